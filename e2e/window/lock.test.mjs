/** The locked app in the real window: nothing of what was on screen is left, and nothing urgent is missed. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { holders } from './memory.mjs';
import { Stage } from './stage.mjs';

const PIN = '4711';

describe('the lock', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server, suzuki;

	/** suzuki says something. */
	const say = async (content, priority = 'normal') => {
		const message = { content, attachments: [], metadata: {}, clientMessageId: randomUUID(), priority };
		const { status } = await server.call('POST', '/api/rooms/general/messages', { token: suzuki, body: message });
		assert.equal(status, 200);
	};
	/** How often the app has locked, by its log: a page that is locked ends with its process, and the driver's session with it. */
	const locks = () =>
		readdirSync(join(sato.dataDir, 'logs'))
			.map((name) => readFileSync(join(sato.dataDir, 'logs', name), 'utf8'))
			.join('')
			.split('\n')
			.filter((line) => line.endsWith(' locked')).length;
	const hasLocked = (before) => eventually(() => locks() > before, 20, 'the lock');
	const isLocked = () => eventually(() => sato.sees(testid('lock-screen')), 20, 'the lock screen');
	/** Starts the app again, as after a power cut. */
	const restart = async () => {
		// A bubble would lie over the window.
		spawnSync('dunstctl', ['close-all'], { env: sato.desktop.env });
		await sato.crashApp();
		await sato.openApp();
	};
	const unlock = async (pin) => {
		await sato.fill(testid('pin'), pin);
		await sato.click(testid('unlock'));
	};
	const isOpen = () => eventually(() => sato.sees(testid('room-item')), 20, 'the rooms');

	before(async () => {
		server = await stage.server();
		suzuki = (await server.signIn('suzuki')).token;
		sato = await stage.computer('sato');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	test('a PIN is chosen in the settings', async () => {
		await sato.click(testid('settings'));
		await sato.click(testid('pin-choose'));
		await sato.fill('[name=pin]', PIN);
		await sato.fill('[name=pin-again]', PIN);
		await sato.click(testid('pin-keep'));
		await eventually(() => sato.sees(testid('lock-now')), 10, 'a PIN');
		await sato.click('a[href="/rooms"]');
	});

	test('once locked, neither page nor memory holds what was on screen', async () => {
		const mark = `心電図${randomBytes(12).toString('hex')}`;
		await sato.openRoom('general');
		await say(mark);
		await sato.message(mark);
		assert.ok(holders(sato.pid, mark).length > 0, 'the search can find it while it is there');
		const before = locks();
		await sato.click(testid('lock'));
		await hasLocked(before);
		await eventually(() => holders(sato.pid, mark).length === 0, 20, 'memory without it').catch(() => {});
		assert.deepEqual(holders(sato.pid, mark), []);
		sato.picture('locked');
	});

	test('a locked app that is ended is locked when it starts again', async () => {
		await restart();
		await isLocked();
		const page = await sato.page.run(`function () { return document.documentElement.outerHTML + location.href; }`);
		assert.ok(!page.includes('3階病棟') && !page.includes('general'), 'nothing of a room is in the page');
	});

	test('while locked, what comes in is counted and alerts without a word of it', async () => {
		const before = sato.desktop.notifications.length;
		await say('至急の内容です', 'urgent');
		await eventually(async () => /至急1件/.test(await sato.text(testid('lock-waiting'))), 30, 'the count');
		const raised = await eventually(() => sato.desktop.notifications[before], 15, 'the alert');
		assert.doesNotMatch(raised.summary + raised.body, /内容|鈴木|病棟/);
	});

	test('a wrong PIN opens nothing, and the right one does', async () => {
		await unlock('0000');
		await eventually(async () => /あと7回/.test(await sato.text(testid('error'))), 10, 'what is left');
		assert.ok(await sato.sees(testid('lock-screen')));
		await unlock(PIN);
		await isOpen();
		await sato.isLive();
		await sato.openRoom('general');
		await sato.message('至急の内容です');
	});

	test('the screen of the computer locks, and the app with it', async () => {
		const before = locks();
		const signal = ['/org/freedesktop/ScreenSaver', 'org.freedesktop.ScreenSaver.ActiveChanged', 'boolean:true'];
		const sent = spawnSync('dbus-send', ['--session', '--type=signal', ...signal], { env: sato.desktop.env });
		assert.equal(sent.status, 0);
		await hasLocked(before);
		await restart();
		await isLocked();
		await unlock(PIN);
		await isOpen();
	});

	test('it locks by itself when nobody touches the computer', async () => {
		await sato.closeApp();
		const file = join(sato.dataDir, 'preferences.json');
		writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), lockAfterSeconds: 3 }));
		const before = locks();
		await sato.openApp();
		await hasLocked(before);
	});
});
