/** The locked app in the real window: nothing of what was on screen is left, and nothing urgent is missed. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { holders } from './memory.mjs';
import { IdleMonitor } from './peers.mjs';
import { openFiles } from './programs.mjs';
import { Stage } from './stage.mjs';

const PIN = '4711';

describe('the lock', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server, suzuki, yamada;

	/** suzuki says something. */
	const say = async (content, priority = 'normal') => {
		const message = { content, attachments: [], metadata: {}, clientMessageId: randomUUID(), priority };
		const { status, body } = await server.call('POST', '/api/rooms/general/messages', { token: suzuki, body: message });
		assert.equal(status, 200);
		return body.id;
	};
	/** yamada takes an urgent message on, so that it is not raised again. */
	const takeOn = async (messageId) => {
		const body = { roomId: 'general', messageId };
		assert.equal((await server.call('POST', '/api/events/acknowledge', { token: yamada, body })).status, 200);
	};
	const locks = () => locksOf(sato);
	const hasLocked = (before) => eventually(() => locks() > before, 20, 'the lock');
	const isLocked = () => eventually(() => sato.sees(testid('lock-screen')), 20, 'the lock screen');
	/** Starts the app again, as after a power cut. */
	const restart = async () => {
		await sato.crashApp();
		await sato.openApp();
	};
	const unlock = async (pin) => {
		await sato.fill(testid('pin'), pin);
		await sato.click(testid('unlock'));
	};
	const stores = () => openFiles(sato.pid).filter((path) => path.includes('store.db'));
	const isOpen = () => eventually(() => sato.sees(testid('room-item')), 20, 'the rooms');

	before(async () => {
		server = await stage.server();
		suzuki = (await server.signIn('suzuki')).token;
		yamada = (await server.signIn('yamada')).token;
		sato = await stage.computer('sato', { systemBus: true });
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

	test('once locked, neither page, nor memory, nor an open store holds what was on screen', async () => {
		const mark = `心電図${randomBytes(12).toString('hex')}`;
		await sato.openRoom('general');
		await say(mark);
		await sato.message(mark);
		assert.ok(holders(sato.pid, mark).length > 0, 'the search can find it while it is there');
		assert.notDeepEqual(stores(), []);
		const before = locks();
		await sato.click(testid('lock'));
		await hasLocked(before);
		await eventually(() => holders(sato.pid, mark).length === 0, 20, 'memory without it').catch(() => {});
		assert.deepEqual(holders(sato.pid, mark), []);
		await eventually(() => stores().length === 0, 20, 'no open store');
		sato.picture('locked');
	});

	test('a locked app that is ended is locked when it starts again', async () => {
		await restart();
		await isLocked();
		assert.deepEqual(stores(), [], 'it has looked into its store, and closed it');
		const page = await sato.page.run(`function () { return document.documentElement.outerHTML + location.href; }`);
		assert.ok(!page.includes('3階病棟') && !page.includes('general'), 'nothing of a room is in the page');
	});

	test('while locked, what comes in is counted and alerts without a word of it', async () => {
		const before = sato.desktop.notifications.length;
		const urgent = await say('至急の内容です', 'urgent');
		await eventually(async () => /至急1件/.test(await sato.text(testid('lock-waiting'))), 30, 'the count');
		const raised = await eventually(() => sato.desktop.notifications[before], 15, 'the alert');
		assert.doesNotMatch(raised.summary + raised.body, /内容|鈴木|病棟/);
		await takeOn(urgent);
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

	test("what was held back for a patient's room when it locks stays a draft, and has not gone out", async () => {
		await sato.openRoom('patient-tanaka');
		await sato.send('まだ送らないでください');
		await eventually(() => sato.sees(testid('held')), 10, 'it to be held back');
		const before = locks();
		await sato.click(testid('lock'));
		await hasLocked(before);
		await restart();
		await isLocked();
		await unlock(PIN);
		await isOpen();
		await sato.isLive();
		await sato.openRoom('patient-tanaka');
		await eventually(async () => (await sato.draft()) === 'まだ送らないでください', 15, 'the draft');
		const { body } = await server.call('GET', '/api/rooms/patient-tanaka/messages?limit=5', { token: suzuki });
		assert.ok(!body.messages.some(({ content }) => content.includes('まだ送らないで')));
		await (await sato.page.find(testid('composer'))).clear();
	});

	test('wrong PINs are slowed, and signing in helps', async () => {
		const before = locks();
		await sato.click(testid('lock'));
		await hasLocked(before);
		await restart();
		await isLocked();
		for (const left of [7, 6]) {
			await unlock('0000');
			await eventually(async () => (await sato.text(testid('error'))).includes(`あと${left}回`), 10, 'what is left');
		}
		await unlock('0000');
		await eventually(async () => /秒後にもう一度/.test(await sato.text(testid('error'))), 10, 'that one has to wait');
		assert.equal(await sato.attribute(testid('pin'), 'readonly'), '', 'nothing can be typed meanwhile');
		// Nor does a restart help.
		await restart();
		await eventually(async () => /秒後にもう一度/.test(await sato.text(testid('error'))), 10, 'that one has to wait');
		await sato.click(testid('sign-in-instead'));
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});

	test('another person signs in at the locked app, has a store of their own, and sees nothing of the first', async () => {
		const stores = () =>
			readdirSync(join(sato.dataDir, 'accounts'), { recursive: true }).filter((name) => name.endsWith('store.db'));
		await sato.openRoom('general');
		await sato.write('佐藤の書きかけ');
		await eventually(async () => (await sato.draft()) === '佐藤の書きかけ', 10, 'the draft');
		await sato.openRoom('support');
		const before = locks();
		await sato.click(testid('lock'));
		await hasLocked(before);
		await restart();
		await isLocked();
		await sato.click(testid('sign-in-instead'));
		await sato.signIn(server, 'yamada', 'hugmedo-demo');
		await sato.isLive();
		assert.equal(stores().length, 2);
		assert.equal(await sato.sees('[data-room-id=patient-tanaka]'), false, "nothing of a room that is not yamada's");
		await sato.openRoom('general');
		assert.equal(await sato.draft(), '');
		await takeOn(await say('佐藤さんと山田さんへ', 'urgent'));
		await sato.message('佐藤さんと山田さんへ');

		// And back.
		const again = locks();
		await sato.click(testid('lock'));
		await hasLocked(again);
		await restart();
		await isLocked();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
		await eventually(async () => (await sato.draft()) === '佐藤の書きかけ', 15, "sato's draft");
		await (await sato.page.find(testid('composer'))).clear();
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

	test('it locks when the computer goes to sleep, and when its session is locked', async () => {
		for (const [object, member, ...args] of [
			['/org/freedesktop/login1', 'org.freedesktop.login1.Manager.PrepareForSleep', 'boolean:true'],
			['/org/freedesktop/login1/session/_31', 'org.freedesktop.login1.Session.Lock']
		]) {
			const before = locks();
			const sent = spawnSync('dbus-send', ['--session', '--type=signal', object, member, ...args], {
				env: sato.desktop.env
			});
			assert.equal(sent.status, 0);
			await hasLocked(before);
			await restart();
			await isLocked();
			await unlock(PIN);
			await isOpen();
		}
	});

	test('it locks by itself when nobody touches the computer', async () => {
		const before = locks();
		await sato.command('set_preferences', { changed: { lockAfterSeconds: 10 } });
		await hasLocked(before);
	});
});

describe('on a Wayland desktop', () => {
	const stage = new Stage();
	let sato, monitor;

	before(async () => {
		const server = await stage.server();
		sato = await stage.computer('sato', { sessionType: 'wayland' });
		monitor = await IdleMonitor.start(sato);
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		monitor?.stop();
		await stage.clear();
	});

	test('the desktop is asked how long nobody has touched it, and the app locks by that', async () => {
		await eventually(() => monitor.asked > 0, 15, 'the question');
		monitor.idle = 599_000;
		const asked = monitor.asked;
		await eventually(() => monitor.asked > asked + 1, 15, 'the next one');
		assert.ok(await sato.sees(testid('room-item')), 'it is open still');
		monitor.idle = 600_000;
		await eventually(() => locksOf(sato) === 1, 20, 'the lock');
	});
});

/** How often an app has locked, by its log: a page that is locked ends with its process, and the driver's session with it. */
function locksOf(computer) {
	return readdirSync(join(computer.dataDir, 'logs'))
		.map((name) => readFileSync(join(computer.dataDir, 'logs', name), 'utf8'))
		.join('')
		.split('\n')
		.filter((line) => line.endsWith(' locked')).length;
}
