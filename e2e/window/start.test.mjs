/** `npm start` on a computer without a display, from the command to the picture. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programs } from '../../scripts/build.mjs';
import { looksPainted } from '../../scripts/desktop.mjs';
import { ask, eventually } from '../../scripts/processes.mjs';
import { root } from '../../scripts/setup.mjs';

const start = (...args) => {
	const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...env } = process.env;
	const child = spawn('npm', ['start', '--silent', '--', ...args], {
		cwd: root,
		env,
		stdio: ['ignore', 'pipe', 'pipe'],
		detached: true
	});
	const run = { child, output: '', ended: new Promise((resolve) => child.on('close', (code) => resolve(code))) };
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (run.output += chunk));
	return run;
};

test('without a display it says so and saves a picture of a window that is painted', async () => {
	const run = start('--once');
	assert.equal(await run.ended, 0, run.output);
	assert.match(run.output, /There is no display/);
	const picture = join(root, run.output.match(/^Screenshot: (.+)$/m)[1]);
	assert.ok(Date.now() - statSync(picture).mtimeMs < 600_000, 'it is new');
	const pixels = ask('convert', [picture, '-depth', '8', 'rgb:-'], { encoding: 'buffer', maxBuffer: 1 << 28 });
	assert.ok(looksPainted(pixels));
	assert.deepEqual(leftOver(), []);
});

test('Ctrl-C ends everything it started', async () => {
	const run = start();
	await eventually(() => run.output.includes('Press Ctrl-C to end'), 120, 'the running app');
	assert.ok(leftOver().length >= 2, 'the server and the app run');
	process.kill(-run.child.pid, 'SIGINT');
	await run.ended;
	await eventually(() => leftOver().length === 0, 10, 'the end of everything');
});

test('the password it signs in with is in no argument list and readable by nobody else', () => {
	const file = join(root, '.local', 'start', 'sign-in.json');
	assert.equal(statSync(file).mode & 0o077, 0);
	assert.ok(existsSync(file) && readFileSync(file, 'utf8').includes('"sato"'));
});

/** The processes of our two programs whose data lies in `npm start`'s folder. */
function leftOver() {
	return readdirSync('/proc').filter((pid) => {
		try {
			const program = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
			return (
				Object.values(programs).includes(program) &&
				readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join('.local', 'start'))
			);
		} catch {
			return false;
		}
	});
}
