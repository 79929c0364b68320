/** Removing everything of the app from a computer, in the real window: disk, keyring and autostart. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, keyringItems, testid } from './computer.mjs';
import { isGone } from './programs.mjs';
import { Stage } from './stage.mjs';

describe('removing all data', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server;

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato', { usualFolder: true });
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	test('after a question the app ends, and neither disk nor keyring holds anything of it', async () => {
		assert.ok(keyringItems(sato) >= 2, 'there is something to remove');
		const pid = sato.pid;
		await sato.click(testid('settings'));
		await sato.click(testid('autostart'));
		const autostart = join(sato.desktop.home, '.config', 'autostart', 'hugmedo-chat.desktop');
		await eventually(() => existsSync(autostart), 15, 'the entry that starts it with the session');
		// A notification leaves a note of itself, and its sound.
		const { token } = await server.signIn('suzuki');
		const body = { content: '消される前の通知', attachments: [], metadata: {}, clientMessageId: randomUUID() };
		await server.call('POST', '/api/rooms/patient-tanaka/messages', { token, body });
		await eventually(() => existsSync(join(sato.dataDir, 'notifications.json')), 15, 'the note of a notification');
		await sato.click(testid('remove-data'));
		await eventually(() => sato.sees(testid('remove-dialog')), 10, 'the question');
		assert.ok(existsSync(join(sato.dataDir, 'accounts')), 'nothing goes by asking');
		await sato.click(testid('remove-confirm'));
		await eventually(() => isGone(pid), 20, 'the end of the app');
		// The driver has noticed it too; its session has to be ended all the same.
		await sato.page.close().catch(() => {});
		sato.page = undefined;
		assert.equal(keyringItems(sato), 0);
		assert.equal(existsSync(sato.dataDir), false, 'the data folder is gone');
		const left = readdirSync(sato.desktop.home, { recursive: true }).filter((name) => /hugmedo/i.test(name));
		// Made by what keeps the window's place, which is kept elsewhere.
		const empty = '.config/jp.hugmedo.chat';
		assert.deepEqual(
			left.filter((name) => name !== empty),
			[],
			'nor is anything elsewhere in the home folder'
		);
		assert.deepEqual(readdirSync(join(sato.desktop.home, empty)), []);
	});

	test('the next start is like the first, and the server has what it had', async () => {
		await sato.openApp();
		await eventually(() => sato.sees(testid('sign-in-form')), 20, 'the sign-in');
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
});
