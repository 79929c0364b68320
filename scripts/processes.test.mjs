import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { looksPainted } from './desktop.mjs';
import { Companion, eventually, must } from './processes.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hugmedo-scripts-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program that starts another one, prints both process ids, and ignores polite requests if told to. */
const family = (stubborn) => [
	'-e',
	`const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' });
	${stubborn ? "process.on('SIGTERM', () => {});" : ''}
	console.log('pids ' + process.pid + ' ' + child.pid);
	setInterval(() => {}, 1e6);`
];

const runs = (pid) => {
	try {
		// A process that has ended but was not waited for is a zombie: it runs no more.
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
};

for (const stubborn of [false, true]) {
	test(`stopping a ${stubborn ? 'stubborn ' : ''}program ends its children too`, async () => {
		const companion = Companion.start('family', process.execPath, family(stubborn));
		const [, parent, child] = await companion.line(1, /^pids (\d+) (\d+)$/, 10);
		assert.ok(runs(parent) && runs(child));
		await companion.stop({ politeSeconds: stubborn ? 0.2 : 5 });
		await eventually(() => !runs(parent) && !runs(child), 5, 'the end of both');
	});
}

test('a script that is interrupted ends what it started', async () => {
	const script = join(folder, 'script.mjs');
	writeFileSync(
		script,
		`import { Companion, main } from ${JSON.stringify(join(import.meta.dirname, 'processes.mjs'))};
		main(async () => {
			const companion = Companion.start('family', process.execPath, ${JSON.stringify(family(false))});
			companion.lines(1, (line) => console.log(line));
			await companion.exited;
		});`
	);
	const running = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [, parent, child] = await new Promise((resolve) =>
		running.stdout.on('data', (chunk) => {
			const match = String(chunk).match(/pids (\d+) (\d+)/);
			if (match) resolve(match);
		})
	);
	const code = new Promise((resolve) => running.on('close', resolve));
	running.kill('SIGINT');
	assert.equal(await code, 130);
	await eventually(() => !runs(parent) && !runs(child), 5, 'the end of both');
});

test('a program that ends before it is ready is a failure that says what it last printed', async () => {
	const companion = Companion.start('it', process.execPath, ['-e', 'console.error("no room left"); process.exit(3)']);
	await assert.rejects(companion.line(1, /ready/, 10), /it ended before it was ready \(3\): no room left/);
});

test('a missing program is one clear line', async () => {
	await assert.rejects(must('hugmedo-no-such-program'), /hugmedo-no-such-program was not found/);
});

test('an empty surface is no picture', () => {
	const surface = Buffer.alloc(3 * 10_000, 240);
	assert.equal(looksPainted(surface), false);
	const text = Buffer.from(surface);
	for (let at = 0; at < 2_400; at++) text[at] = at % 251;
	assert.equal(looksPainted(text), true);
});
