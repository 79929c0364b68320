/**
 * Nothing confidential lies about. Marked messages, drafts, passwords and tokens are sent through everything that
 * exists, and then every file that anything wrote, and every argument list, is searched for them.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

describe('secrets', () => {
	const stage = new Stage();
	const mark = (what) => `${what}${randomBytes(8).toString('hex')}`;
	/** What the clinicians write; it belongs in the server's database and nowhere else. */
	const written = { message: mark('message'), answer: mark('answer'), waiting: mark('waiting') };
	/** What never leaves the computer it was typed on, and is nowhere in the clear there. */
	const hidden = { draft: mark('draft'), wrongPassword: mark('password') };
	let server, sato, suzuki, token;

	before(async () => {
		server = await stage.server();
		// Everything that can log logs as much as it can.
		const env = { HUGMEDO_CHAT_LOG: 'trace', RUST_LOG: 'trace' };
		[sato, suzuki] = await Promise.all([stage.computer('sato', { env }), stage.computer('suzuki', { env })]);
		await Promise.all([sato.openApp(), suzuki.openApp()]);

		await sato.fillSignIn(server, 'sato', hidden.wrongPassword);
		await eventually(() => sato.text(testid('error')), 15, 'the refusal');
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		// suzuki comes with an access token, as where an organisation's own service issues them.
		({ token } = await server.signIn('suzuki'));
		await suzuki.signInWithToken(server, token);
		await Promise.all([sato.isLive(), suzuki.isLive()]);

		await Promise.all([sato.openRoom('patient-tanaka'), suzuki.openRoom('general')]);
		await sato.send(written.message);
		await eventually(() => suzuki.desktop.notifications.length > 0, 15, 'the notification');
		await suzuki.openRoom('patient-tanaka');
		await suzuki.message(written.message);
		await suzuki.send(written.answer);
		await sato.message(written.answer);
		await sato.write(hidden.draft);
		await suzuki.openRoom('general');
		await server.kill();
		await eventually(async () => (await suzuki.connection()) === 'offline', 60, 'to be offline');
		await suzuki.send(written.waiting);
		await suzuki.message(written.waiting);
		server = await server.restart();
		await suzuki.message(written.waiting, (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
	});
	afterEach((context) => keepEvidence(context, { sato, suzuki }));
	after(() => stage.clear());

	test('the marks are where they belong, so the search can find them', () => {
		const database = files(stage.folder).filter(isServerDatabase);
		for (const [what, mark] of Object.entries(written)) {
			assert.ok(
				database.some((path) => holds(path, mark)),
				`the ${what} is in the server's database`
			);
		}
	});

	test('no message, draft, password or token is in any other file, with the apps running', () => {
		assertNowhere();
	});

	test('no argument list holds any of them', () => {
		for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
			let commandLine;
			try {
				commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
			} catch {
				continue; // it has just ended
			}
			for (const [what, mark] of everything())
				assert.ok(!commandLine.includes(mark), `the ${what} is an argument of ${pid}`);
		}
	});

	test('the stores are there, and unreadable without their key', () => {
		for (const computer of [sato, suzuki]) {
			// The database, and the log that its newest pages are in.
			const stores = files(computer.dataDir).filter((path) => /\/store\.db(-wal)?$/.test(path));
			assert.ok(stores.some((path) => path.endsWith('.db')));
			const bytes = Buffer.concat(stores.map((path) => readFileSync(path)));
			assert.ok(bytes.length > 16_384, `there are ${bytes.length} bytes`);
			assert.ok(!bytes.includes('SQLite format 3'));
			// Ciphertext has every byte value about equally often; a page of a plain database is mostly zeros.
			const counts = new Array(256).fill(0);
			for (const byte of bytes) counts[byte]++;
			assert.ok(Math.max(...counts) / bytes.length < 0.02, 'no byte value stands out');
		}
	});

	test('nor are they there once the apps are closed', async () => {
		await Promise.all([sato.closeApp(), suzuki.closeApp()]);
		assertNowhere();
	});

	const everything = () => [...Object.entries(written), ...Object.entries(hidden), ['token', token]];

	function assertNowhere() {
		const found = [];
		let searched = 0;
		for (const path of files(stage.folder)) {
			searched++;
			for (const [what, mark] of everything()) {
				if (what in written && isServerDatabase(path)) continue;
				if (holds(path, mark)) found.push(`the ${what} in ${relative(stage.folder, path)}`);
			}
		}
		assert.ok(searched > 20, `only ${searched} files were searched`);
		assert.deepEqual(found, []);
	}

	function isServerDatabase(path) {
		return path.startsWith(join(server.folder, 'data'));
	}
});

function files(folder) {
	return readdirSync(folder, { recursive: true })
		.map((name) => join(folder, name))
		.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/** Whether a file holds a text, in the encodings programs write text in. */
function holds(path, text) {
	let bytes;
	try {
		bytes = readFileSync(path);
	} catch (error) {
		if (error.code === 'ENOENT') return false; // it was there for a moment only
		throw error;
	}
	return [Buffer.from(text), Buffer.from(text, 'utf16le'), Buffer.from(Buffer.from(text).toString('hex'))].some(
		(form) => bytes.includes(form)
	);
}
