/**
 * A Debian of its own in a folder: what a fresh computer has, and nothing that developing left behind on this one.
 *
 * Needs root and debootstrap. Packages come from where this computer gets its own. No service runs in it; what it starts is
 * started by the tests.
 */
import {
	chmodSync,
	copyFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	readdirSync,
	realpathSync,
	rmSync,
	writeFileSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { Companion } from '../../scripts/processes.mjs';

/** The one that the packages are for. */
const SUITE = 'bookworm';

/** The environment of what runs inside: nothing of this one's. */
const plain = {
	PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
	HOME: '/root',
	LANG: 'C.UTF-8',
	DEBIAN_FRONTEND: 'noninteractive'
};

export class Debian {
	/** Where it lies. */
	folder = mkdtempSync(join(tmpdir(), 'hugmedo-debian-'));
	#mounts = [];

	static make() {
		const debian = new Debian();
		try {
			// Others than root have to get in as well.
			chmodSync(debian.folder, 0o755);
			const sources = ownSources();
			const [mirror] = sources.find(([, suite]) => suite === SUITE) ?? [];
			must('debootstrap', ['--variant=minbase', SUITE, debian.folder, ...(mirror ? [mirror] : [])]);
			const lines = sources.map(([address, suite]) => `deb ${address} ${suite} main\n`).join('');
			if (mirror) writeFileSync(debian.path('/etc/apt/sources.list'), lines);
			for (const name of ['apt.conf.d', 'trusted.gpg.d', 'auth.conf.d']) {
				if (existsSync(join('/etc/apt', name))) {
					rmSync(debian.path('/etc/apt', name), { recursive: true, force: true });
					cpSync(join('/etc/apt', name), debian.path('/etc/apt', name), { recursive: true, dereference: true });
				}
			}
			copyFileSync('/etc/resolv.conf', debian.path('/etc/resolv.conf'));
			// Nothing is started by being installed.
			writeFileSync(debian.path('/usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
			debian.#mount('proc', '/proc', ['-t', 'proc']);
			debian.#mount('/dev', '/dev', ['--rbind']);
			debian.run('apt-get', ['update', '--quiet']);
		} catch (error) {
			debian.remove();
			throw error;
		}
		return debian;
	}

	path(...parts) {
		return join(this.folder, ...parts);
	}

	/**
	 * Puts a program of this computer inside, in `/opt/lent/bin`: the one file, and nothing it needs. A folder would bring along
	 * what lies beside it, and then what a package forgot to ask for would be there all the same.
	 */
	lend(program) {
		const at = join('/opt/lent/bin', basename(program));
		mkdirSync(dirname(this.path(at)), { recursive: true });
		copyFileSync(realpathSync(program), this.path(at));
		chmodSync(this.path(at), 0o755);
		const lacks = this.run('ldd', [at], { mayFail: true }).match(/^.*not found.*$/gm);
		if (lacks) throw new Error(`${program} does not run on a Debian 12, which lacks:\n${lacks.join('\n')}`);
	}

	/** Runs a program inside to its end and answers what it printed. */
	run(command, args = [], { env = {}, input, mayFail = false } = {}) {
		const done = spawnSync('chroot', [this.folder, command, ...args], {
			encoding: 'utf8',
			input,
			maxBuffer: 1 << 28,
			env: { ...plain, ...proxies(), ...env }
		});
		if (done.status !== 0 && !mayFail) {
			throw new Error(`\`${[command, ...args].join(' ')}\` failed (${done.status}):\n${done.stdout}\n${done.stderr}`);
		}
		return done.stdout + done.stderr;
	}

	/** Starts a program inside that runs beside the test. */
	start(name, command, args) {
		return Companion.start(name, 'chroot', [this.folder, command, ...args], { env: plain });
	}

	install(...packages) {
		return this.run('apt-get', ['install', '--yes', '--quiet', ...packages]);
	}

	/** Every file that is there, but for what the package manager and the system keep about themselves. */
	files() {
		const kept = [
			'/proc',
			'/dev',
			'/sys',
			'/run',
			'/tmp',
			'/packages',
			'/repository',
			'/opt/lent',
			'/var/cache',
			'/var/log',
			'/var/lib/apt',
			'/var/lib/dpkg',
			'/root'
		];
		return this.run('find', ['/', '-xdev', ...kept.flatMap((folder) => ['-path', folder, '-prune', '-o']), '-print'])
			.split('\n')
			.filter(Boolean);
	}

	remove() {
		for (const at of this.#mounts.reverse()) spawnSync('umount', ['--recursive', '--lazy', at]);
		// A folder that is still mounted is another computer's; it stays.
		const mounted = readFileSync('/proc/self/mounts', 'utf8').includes(` ${resolve(this.folder)}/`);
		if (!mounted) rmSync(this.folder, { recursive: true, force: true });
	}

	#mount(what, at, options) {
		mkdirSync(this.path(at), { recursive: true });
		must('mount', [...options, what, this.path(at)]);
		this.#mounts.push(this.path(at));
		if (options.includes('--rbind')) must('mount', ['--make-rslave', this.path(at)]);
	}
}

/** A package as its next version: the same files under a higher number. */
export function nextVersion(file, version) {
	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-package-'));
	must('dpkg-deb', ['--raw-extract', file, folder]);
	const control = join(folder, 'DEBIAN', 'control');
	writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
	const made = join(dirname(file), `next-${version}-${file.split('/').at(-1)}`);
	must('dpkg-deb', ['--build', '--root-owner-group', folder, made]);
	rmSync(folder, { recursive: true, force: true });
	return made;
}

function must(command, args) {
	const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
	if (done.status !== 0) {
		throw new Error(`\`${[command, ...args].join(' ')}\` failed: ${done.error?.message ?? done.stdout + done.stderr}`);
	}
	return done.stdout;
}

/**
 * Where this computer gets Debian's own packages, so that a mirror of the organisation's is used here as well: addresses and suites.
 * What else it gets packages from is not Debian's, and signed by keys that a fresh one does not have.
 */
function ownSources() {
	const texts = ['/etc/apt/sources.list', ...within('/etc/apt/sources.list.d')]
		.filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
		.map((file) => readFileSync(file, 'utf8').replace(/^#.*\n/gm, ''));
	return texts
		.flatMap(sourcesIn)
		.filter(([, suite]) => [SUITE, `${SUITE}-updates`, `${SUITE}-security`].includes(suite));
}

/** The addresses and suites of a list, which has one to a line, or is in paragraphs. */
function sourcesIn(text) {
	const lines = [...text.matchAll(/^deb (?:\[.*?\] *)?(\S+) +(\S+)/gm)].map(([, address, suite]) => [address, suite]);
	const paragraphs = text.split(/\n\s*\n/).flatMap((paragraph) => {
		const words = (name) => paragraph.match(new RegExp(`^${name}: *(.*)$`, 'm'))?.[1].split(/\s+/) ?? [];
		return words('Types').includes('deb')
			? words('URIs').flatMap((address) => words('Suites').map((suite) => [address, suite]))
			: [];
	});
	return [...lines, ...paragraphs];
}

function within(folder) {
	return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function proxies() {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
}
