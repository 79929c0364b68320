/**
 * What has to be on the computer before anything can be built: checked here, installed where there is a way to.
 *
 * Runs before `npm ci`, so it needs nothing but Node. What it installs it announces first. The one place that is written to
 * outside the clone is the cache folder, which may be deleted at any time.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, ask, must } from './processes.mjs';

/** The clone. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Whether this is an unattended run of the checks. */
export const unattended = process.env.CI === 'true';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hugmedo-chat');
const tools = join(cache, 'tools');

/** Where cargo builds. Unattended runs start from a fresh clone and share one folder; it only saves time. */
export const targetDir = process.env.CARGO_TARGET_DIR || (unattended ? join(cache, 'target') : join(root, 'target'));

/** The environment in which cargo and its tools run. */
export const cargoEnv = {
	...process.env,
	CARGO_TARGET_DIR: targetDir,
	PATH: [join(tools, 'bin'), process.env.PATH].join(platform() === 'win32' ? ';' : ':')
};

/** Debian packages by what needs them. */
export const debian = {
	build: [
		'build-essential',
		'perl',
		'pkg-config',
		'libwebkit2gtk-4.1-dev',
		'libayatana-appindicator3-dev' // the tray; its pkg-config file is how packaging finds out what to depend on
	],
	virtualDesktop: [
		'xvfb', // the display
		'openbox', // focus, maximising and the like need a window manager
		'dbus-daemon',
		'dbus-bin',
		'gnome-keyring', // the Secret Service
		'dunst', // the notification service
		'imagemagick', // reads the pixels
		'x11-utils', // xprop: whether the window manager is there
		'xdotool', // finds windows, and puts the focus where a person would
		'fonts-noto-cjk',
		'fonts-noto-color-emoji',
		'locales'
	],
	test: [
		'webkit2gtk-driver', // WebDriver for the app's window
		'openssl', // certifies a feed of newer versions
		'chromium', // the page tests
		'postgresql', // the tests start their own, as someone without rights
		'redis-server'
	]
};

/** The browser of the page tests: the one that is named, or one that is there. Ubuntu has no package of Chromium. */
export const chromium =
	process.env.CHROMIUM ??
	['/usr/bin/chromium', '/usr/bin/google-chrome'].find((file) => existsSync(file)) ??
	'/usr/bin/chromium';

const cargoTools = { 'tauri-driver': '2.1.0', 'cargo-nextest': '0.9.151', 'cargo-deny': '0.20.2' };

/**
 * Puts everything in place, or fails with one line that says what to do.
 *
 * @param {{ virtualDesktop?: boolean, test?: boolean }} [needs] what is to be run beside the build
 */
export async function prepare({ virtualDesktop = false, test = false } = {}) {
	checkNode();
	checkRust();
	if (platform() === 'linux') {
		await installSystemPackages([
			...debian.build,
			...(virtualDesktop || test ? debian.virtualDesktop : []),
			...(test ? debian.test.filter((name) => name !== 'chromium' || !existsSync(chromium)) : [])
		]);
	}
	await installNodePackages();
	if (test) await installCargoTools();
}

function checkNode() {
	const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace(/[^\d.]/g, '');
	if (older(process.versions.node, wanted)) {
		throw new Failure(`Node ${wanted} or newer is needed, this is ${process.versions.node}: https://nodejs.org`);
	}
}

function checkRust() {
	const wanted = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "([\d.]+)"/m)[1];
	const present = ask('cargo', ['--version'])?.match(/\d+\.\d+\.\d+/)?.[0];
	if (!present) throw new Failure(`Rust ${wanted} or newer is needed, cargo was not found: https://rustup.rs`);
	if (older(present, wanted)) {
		throw new Failure(`Rust ${wanted} or newer is needed, this is ${present}: run \`rustup update stable\``);
	}
}

function older(version, wanted) {
	return version.localeCompare(wanted, 'en', { numeric: true }) < 0;
}

async function installSystemPackages(wanted) {
	if (!existsSync('/usr/bin/dpkg-query')) {
		if (ask('pkg-config', ['--exists', 'webkit2gtk-4.1']) === null) {
			throw new Failure(
				'the WebKitGTK 4.1 development files are missing: https://v2.tauri.app/start/prerequisites/#linux'
			);
		}
		return;
	}
	const installed = new Set(
		ask('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}${Package}\n'])
			.split('\n')
			.filter((line) => line.startsWith('ii'))
			.map((line) => line.slice(3).trim())
	);
	const missing = wanted.filter((name) => !installed.has(name));
	if (missing.length === 0) return;

	const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing];
	const rights = process.getuid() === 0 ? [] : ask('sudo', ['-n', 'true']) !== null ? ['sudo', '-n'] : null;
	if (!rights) {
		throw new Failure(
			`system packages are missing; run \`sudo apt-get update && sudo ${install.join(' ')}\`, then again`
		);
	}
	console.log(`Installing system packages by apt: ${missing.join(' ')}`);
	const quietly = [...rights, 'env', 'DEBIAN_FRONTEND=noninteractive'];
	const [command, ...before] = quietly;
	await must(command, [...before, 'apt-get', '-qq', 'update']);
	await must(command, [...before, ...install, '-qq', '-o', 'Dpkg::Use-Pty=0']);
}

/** `npm ci`, unless what is installed is what the lock file says. */
async function installNodePackages() {
	const stamp = join(root, 'node_modules', '.installed-from');
	const lock = createHash('sha256')
		.update(readFileSync(join(root, 'package-lock.json')))
		.digest('hex');
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
	console.log('Installing npm packages');
	await must('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root });
	writeFileSync(stamp, lock);
}

async function installCargoTools() {
	mkdirSync(tools, { recursive: true });
	const list = join(tools, '.crates.toml');
	const installed = existsSync(list) ? readFileSync(list, 'utf8') : '';
	for (const [name, version] of Object.entries(cargoTools)) {
		if (name === 'tauri-driver' && platform() === 'darwin') continue; // WKWebView has no WebDriver
		if (installed.includes(`"${name} ${version} (`)) continue;
		console.log(`Installing ${name} ${version} into ${tools}`);
		const { CARGO_TARGET_DIR: _unused, ...env } = process.env;
		await must('cargo', ['install', '--quiet', '--locked', '--root', tools, '--version', version, name], {
			cwd: cache,
			env
		});
	}
}
