/**
 * Child processes: run one to its end, or keep one beside us and end it surely.
 *
 * Invariant: whatever `Companion.start` started is ended, with its own children, when this process ends in any way that lets
 * it act (normal end, exception, Ctrl-C, SIGTERM). Each companion leads a process group of its own, and only that group is
 * signalled: never a process by name.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** An expected failure: shown as its one line, without a stack. */
export class Failure extends Error {}

/** What a program prints on standard output, or `null` if it is missing or fails. */
export function ask(command, args = [], options = {}) {
	const done = spawnSync(command, args, {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'ignore'],
		shell: needsShell(command),
		...options
	});
	if (done.status !== 0) return null;
	return typeof done.stdout === 'string' ? done.stdout.trim() : done.stdout;
}

/**
 * Runs a program to its end with its output on ours, and answers its exit code.
 *
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, log?: string }} [options] `log`: a file that gets a copy of the output
 */
export async function run(command, args = [], { log, ...options } = {}) {
	const copy = log && createWriteStream(log);
	const child = spawn(command, args, {
		stdio: ['ignore', copy ? 'pipe' : 'inherit', copy ? 'pipe' : 'inherit'],
		shell: needsShell(command),
		...options
	});
	running.add(child);
	if (copy) {
		child.stdout.on('data', (chunk) => (process.stdout.write(chunk), copy.write(chunk)));
		child.stderr.on('data', (chunk) => (process.stderr.write(chunk), copy.write(chunk)));
	}
	const code = await new Promise((resolve, reject) => {
		child.on('error', (error) => reject(error.code === 'ENOENT' ? new Failure(`${command} was not found`) : error));
		child.on('close', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
	}).finally(() => running.delete(child));
	if (copy) await new Promise((resolve) => copy.end(resolve));
	return code;
}

/** Runs a program and fails with one line if it fails. */
export async function must(command, args = [], options = {}) {
	const code = await run(command, args, options);
	if (code !== 0) throw new Failure(`\`${[command, ...args].join(' ')}\` failed (exit code ${code})`);
}

/** A program that runs beside us until it is stopped. */
export class Companion {
	#child;
	#tail = [];

	/** Resolves to the exit code, or to the name of the signal that ended it. */
	exited;

	/**
	 * @param {string} name what to call it in messages
	 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, log?: string, input?: string, fd3?: boolean }} [options]
	 *   `log`: a file for everything it prints; `input`: is written to its standard input, which is then closed;
	 *   `fd3`: gives it a fourth pipe, read through `lines`
	 */
	static start(name, command, args = [], options = {}) {
		const companion = new Companion(name, command, args, options);
		companions.add(companion);
		companion.exited.then(() => companions.delete(companion));
		return companion;
	}

	constructor(name, command, args, { log, input, fd3, ...options }) {
		this.name = name;
		this.#child = spawn(command, args, {
			stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(fd3 ? ['pipe'] : [])],
			// A group of its own, so that its children end with it. Windows has no groups: there `stop` ends the tree.
			detached: process.platform !== 'win32',
			...options
		});
		this.exited = new Promise((resolve) => {
			this.#child.on('error', () => resolve('could not be started'));
			this.#child.on('close', (code, signal) => resolve(signal ?? code));
		});
		const copy = log && createWriteStream(log, { flags: 'a' });
		for (const stream of [this.#child.stdout, this.#child.stderr]) {
			stream.on('data', (chunk) => {
				copy?.write(chunk);
				this.#tail = [...this.#tail, chunk].slice(-20);
			});
		}
		if (input !== undefined) this.#child.stdin.on('error', () => {}).end(input);
	}

	get pid() {
		return this.#child.pid;
	}

	/** The last of what it printed, for an error message. */
	get tail() {
		return Buffer.concat(this.#tail).toString().trim().split('\n').slice(-5).join('\n');
	}

	/** Passes every line of a stream (1: output, 2: errors, 3: see `fd3`) to `onLine`. */
	lines(fd, onLine) {
		createInterface({ input: this.#child.stdio[fd] }).on('line', onLine);
	}

	/** The first line of a stream that matches; fails if the program ends or takes longer than `seconds`. */
	async line(fd, pattern, seconds) {
		return this.#inTime(
			seconds,
			new Promise((resolve) =>
				this.lines(fd, (line) => {
					const match = line.match(pattern);
					if (match) resolve(match);
				})
			)
		);
	}

	/** Waits until `ready` answers something true; fails if the program ends or takes longer than `seconds`. */
	async until(ready, seconds) {
		return this.#inTime(seconds, eventually(ready, seconds));
	}

	async #inTime(seconds, wanted) {
		const ended = this.exited.then((how) => {
			throw new Failure(`${this.name} ended before it was ready (${how})${this.tail && `: ${this.tail}`}`);
		});
		let timer;
		const late = new Promise((_resolve, reject) => {
			timer = setTimeout(
				() => reject(new Failure(`${this.name} was not ready within ${seconds} s${this.tail && `: ${this.tail}`}`)),
				seconds * 1000
			);
		});
		try {
			return await Promise.race([wanted, ended, late]);
		} finally {
			clearTimeout(timer);
			ended.catch(() => {});
			Promise.resolve(wanted).catch(() => {});
		}
	}

	/** Ends it and its children: first politely, then surely. */
	async stop({ politeSeconds = 5 } = {}) {
		this.signal('SIGTERM');
		const timer = setTimeout(() => this.signal('SIGKILL'), politeSeconds * 1000);
		await this.exited;
		clearTimeout(timer);
		// Grandchildren that outlived the leader.
		this.signal('SIGKILL');
	}

	/** Ends it at once, as a crash or a power cut does. */
	async kill() {
		this.signal('SIGKILL');
		await this.exited;
	}

	/** Sends a signal to the whole group. */
	signal(name) {
		if (!this.pid) return;
		if (process.platform === 'win32') {
			spawnSync('taskkill', ['/pid', String(this.pid), '/t', '/f'], { stdio: 'ignore' });
			return;
		}
		try {
			process.kill(-this.pid, name);
		} catch (error) {
			if (error.code !== 'ESRCH') throw error;
		}
	}
}

/** Asks `condition` again and again until it answers something true, which is returned. Errors count as "not yet". */
export async function eventually(condition, seconds, what = 'the expected state') {
	const deadline = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		try {
			const answer = await condition();
			if (answer) return answer;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() > deadline) {
			throw new Failure(`${what} did not come about within ${seconds} s${last ? `: ${last.message}` : ''}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** Ends everything that is still running, politely, in the reverse order of its start. */
export async function stopAll() {
	for (const companion of [...companions].reverse()) await companion.stop();
}

/** Makes a script: prints an expected failure as one line, ends what was started, and exits with the right code. */
export async function main(script) {
	for (const [signal, code] of [
		['SIGINT', 130],
		['SIGTERM', 143],
		['SIGHUP', 129]
	]) {
		process.once(signal, async () => {
			for (const child of running) child.kill(signal);
			await stopAll();
			process.exit(code);
		});
	}
	try {
		process.exitCode = (await script()) ?? 0;
	} catch (error) {
		console.error(error instanceof Failure ? `error: ${error.message}` : error);
		process.exitCode = 1;
	} finally {
		await stopAll();
	}
}

const companions = new Set();
const running = new Set();

process.on('exit', () => {
	for (const companion of companions) companion.signal('SIGKILL');
});

/** npm, npx and the like are scripts on Windows, which need a shell there. */
function needsShell(command) {
	return process.platform === 'win32' && ['npm', 'npx'].includes(command);
}
