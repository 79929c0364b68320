/** Running programs, as the system lists them. */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { eventually } from '../../scripts/processes.mjs';

/** The process id of a running program by its executable and the home folder that it was started in. */
export function processIn(home, executable) {
	const words = (pid, what) => readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0');
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.find((pid) => {
			try {
				return words(pid, 'cmdline')[0] === executable && words(pid, 'environ').includes(`HOME=${home}`);
			} catch {
				return false; // it has just ended
			}
		});
}

export function hasEnded(pid) {
	return eventually(() => isGone(pid), 15, 'the end of the app');
}

/** Whether a process has ended; one that its parent has not noticed yet is a zombie. */
export function isGone(pid) {
	return !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** The files that a process has open, by path. */
export function openFiles(pid) {
	return readdirSync(`/proc/${pid}/fd`).flatMap((number) => {
		try {
			return [readlinkSync(`/proc/${pid}/fd/${number}`)];
		} catch {
			return []; // it has just been closed
		}
	});
}

/** A port on which nobody listens. */
export function freePort() {
	return new Promise((resolve, reject) => {
		const probe = createServer();
		probe.once('error', reject);
		probe.listen(0, '127.0.0.1', () => {
			const { port } = probe.address();
			probe.close(() => resolve(port));
		});
	});
}
