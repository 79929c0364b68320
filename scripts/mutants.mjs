/**
 * Holds the tests of who may do what against the server: `node scripts/mutants.mjs [--list] [--only N[,N]] [--jobs N]`.
 *
 * Each call that asks (see `calls.mjs`) is made lenient, one at a time: in a copy of the sources, which is built once, and in which
 * `HUGMEDO_CHAT_LENIENT=N` chooses the call; the sources themselves know nothing of it. The table of `crates/server/tests/server/matrix`
 * must then fail, or one of the tests beside it (see `beside`). What was lenient and what noticed it is printed as a table of
 * Markdown; the last line counts.
 */
import { spawn } from 'node:child_process';
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { wholeWorkspace } from './build.mjs';
import { asking, authorize, mutated, refuseUnknownProofs, sources } from './calls.mjs';
import { Failure, ask, main } from './processes.mjs';
import { cargoEnv, root, targetDir } from './setup.mjs';

/** Test modules for what the table cannot show: what is withdrawn while a call is on its way, and what is told to whom. */
const beside = [
	'strangers',
	'sessions',
	'administration',
	'attachments',
	'command_line',
	'escalation',
	'issuer',
	'metrics',
	'new_rooms',
	'nodes',
	'presence',
	'retention',
	'second_factor',
	'sync'
];

/** What is tried, one after the other, until something fails. */
const stages = [['matrix::'], ['meanwhile::'], beside.map((name) => `${name}::`)];

/** Brings a folder to what is wanted, path by path; what is as it was keeps its time, so that cargo builds no more than it must. */
function bring(folder, wanted) {
	const look = (path) => {
		const full = join(folder, path);
		if (!statSync(full).isDirectory()) return void (wanted.has(path) || rmSync(full));
		for (const name of readdirSync(full)) look(path ? `${path}/${name}` : name);
	};
	mkdirSync(folder, { recursive: true });
	look('');
	for (const [path, content] of wanted) {
		const full = join(folder, path);
		if (existsSync(full) && readFileSync(full).equals(content)) continue;
		mkdirSync(dirname(full), { recursive: true });
		writeFileSync(full, content);
	}
}

/** The workspace with every call changed. */
function copy(files) {
	const known = ask('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
	if (known === null) throw new Failure('this is not a git clone');
	const wanted = new Map();
	for (const path of known.split('\0')) {
		const is = statSync(join(root, path), { throwIfNoEntry: false });
		if (is?.isFile()) wanted.set(path, readFileSync(join(root, path)));
	}
	for (const [path, text] of Object.entries(files)) wanted.set(`${sources}/${path}`, Buffer.from(text));
	const twins = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'lenient.rs'));
	wanted.set(authorize, Buffer.concat([wanted.get(authorize), Buffer.from('\n'), twins]));
	const library = `${sources}/lib.rs`;
	wanted.set(library, Buffer.concat([Buffer.from('#![allow(unused)]\n'), wanted.get(library)]));
	const folder = join(targetDir, 'mutants');
	bring(folder, wanted);
	return folder;
}

/** Builds these tests of the server and answers where they are, by name. */
async function build(folder, names) {
	const chosen = names.flatMap((name) => ['--test', name]);
	const args = ['test', ...wholeWorkspace, ...chosen, '--no-run', '--message-format=json-render-diagnostics'];
	const { code, output } = await program('cargo', args, {
		cwd: folder,
		env: cargoEnv,
		stdio: ['ignore', 'pipe', 'inherit']
	});
	const built = output
		.split('\n')
		.filter((line) => line.startsWith('{'))
		.map((line) => JSON.parse(line))
		.filter(
			({ target, executable }) => executable && target.src_path.startsWith(join(folder, 'crates', 'server', 'tests'))
		);
	if (code !== 0 || built.length !== names.length) throw new Failure('the copy could not be built');
	return Object.fromEntries(built.map(({ target, executable }) => [target.name, executable]));
}

/** Runs a program to its end, or for so many seconds; answers its exit code and what it printed on its output. */
function program(command, args, { seconds, ...options }) {
	const child = spawn(command, args, options);
	const parts = [];
	child.stdout.on('data', (part) => parts.push(part));
	const timer = seconds && setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code) => {
			clearTimeout(timer);
			resolve({ code, output: Buffer.concat(parts).toString() });
		});
	});
}

/** The tests that fail while a call is lenient (0: none is), the table first; and of the table the first cell that is wrong. */
async function noticed(tests, folder, call) {
	for (const filters of stages) {
		const { code, output } = await program(tests, filters, {
			cwd: join(root, 'crates/server'),
			env: { ...cargoEnv, TMPDIR: folder, HUGMEDO_CHAT_LENIENT: String(call) },
			stdio: ['ignore', 'pipe', 'ignore'],
			seconds: 300
		});
		const failed = [...output.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, name]) => name);
		if (code === null) failed.push(`${filters[0]} (which did not end)`);
		else if (code !== 0 && failed.length === 0) throw new Failure(`the tests could not be run:\n${output}`);
		const [, cell] = output.match(/ cells are wrong:\n(.*)/) ?? [];
		if (failed.length > 0) return [...failed.sort(), ...(cell ? [cell] : [])];
	}
	return [];
}

const row = (cells) => `| ${cells.join(' | ')} |`;

if (process.argv[1] === fileURLToPath(import.meta.url)) main(run);

async function run() {
	const { values: options } = parseArgs({
		options: { only: { type: 'string' }, list: { type: 'boolean' }, jobs: { type: 'string' } }
	});
	refuseUnknownProofs(readFileSync(join(root, authorize), 'utf8'));
	const { calls, files } = mutated(asking());
	const only = options.only?.split(',').map(Number);
	const tried = calls.filter(({ call }) => !only || only.includes(call));
	console.log(row(['', 'asked', 'by', 'lenient, it grants', ...(options.list ? [] : ['noticed by'])]));
	console.log(row(Array(options.list ? 4 : 5).fill('---')));
	const cells = ({ call, file, line, inside, what, grants }) => [
		call,
		`\`${what}\``,
		`${file}:${line} ${inside}`,
		grants
	];
	if (options.list) {
		for (const call of tried) console.log(row(cells(call)));
		return 0;
	}

	const hasPostgres = existsSync('/usr/lib/postgresql') && existsSync('/usr/bin/redis-server');
	const isHere = ({ on }) => on === 'server' || hasPostgres;
	const tests = await build(copy(files), [...new Set(['server', ...tried.filter(isHere).map(({ on }) => on)])]);
	// Stores are made and thrown away by the hundred: in memory, where there is such a folder.
	const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hugmedo-chat-mutants-'));
	chmodSync(folder, 0o755); // Postgres runs as someone else
	try {
		for (const name of Object.keys(tests)) {
			const failing = await noticed(tests[name], folder, 0);
			if (failing.length > 0) throw new Failure(`these fail while nothing is lenient: ${failing.join(', ')}`);
		}
		const results = new Map();
		let [next, printed] = [0, 0];
		const work = async () => {
			while (next < tried.length) {
				const call = tried[next++];
				results.set(call, isHere(call) ? await noticed(tests[call.on], folder, call.call) : null);
				for (; printed < tried.length && results.has(tried[printed]); printed++) {
					const by = results
						.get(tried[printed])
						?.map((name) => `\`${name}\``)
						.join(', ');
					console.log(
						row([
							...cells(tried[printed]),
							by === undefined ? 'not tried: needs Postgres and Redis' : by || '**nothing**'
						])
					);
				}
			}
		};
		await Promise.all(Array.from({ length: Number(options.jobs ?? availableParallelism()) }, work));
		const all = [...results.values()].filter((by) => by !== null);
		const count = all.filter((by) => by.length > 0).length;
		console.log(`\n${count} of ${all.length} noticed`);
		return count === all.length ? 0 : 1;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
