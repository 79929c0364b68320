/**
 * An app that nobody looks at: behind another window, locked, or started hidden with the computer. What is urgent reaches a nurse
 * from each of them.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { programs } from '../../scripts/build.mjs';
import { Companion, eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Notices } from './peers.mjs';
import { hasEnded, processIn } from './programs.mjs';
import { Stage } from './stage.mjs';

const PIN = '4711';
const ROOM = 'patient-tanaka';

describe('an app that nobody looks at', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {Notices} */ let notices;
	let server, suzuki;

	const say = async (content, { room = ROOM, priority = 'normal' } = {}) => {
		const body = { content, attachments: [], metadata: {}, clientMessageId: randomUUID(), priority };
		const answer = await server.call('POST', `/api/rooms/${room}/messages`, { token: suzuki, body });
		assert.equal(answer.status, 200);
		return answer.body.id;
	};
	const raisedSince = (before) =>
		eventually(() => notices.raised.length > before && notices.raised.slice(before), 15, 'a notification');
	const locks = () =>
		readdirSync(join(sato.dataDir, 'logs'))
			.flatMap((name) => readFileSync(join(sato.dataDir, 'logs', name), 'utf8').split('\n'))
			.filter((line) => line.endsWith(' locked')).length;
	/** Where the window is, and how large. */
	const geometry = () => {
		const told = sato.desktop.xdotool('getwindowgeometry', '--shell', sato.window);
		const [x, y, width, height] = ['X', 'Y', 'WIDTH', 'HEIGHT'].map((name) =>
			Number(told.match(new RegExp(`^${name}=(-?\\d+)$`, 'm'))[1])
		);
		return { x, y, width, height };
	};
	const hasFocus = () => sato.page.run(`function () { return document.hasFocus(); }`);

	before(async () => {
		server = await stage.server();
		suzuki = (await server.signIn('suzuki')).token;
		sato = await stage.computer('sato', { notices: false });
		notices = await Notices.start(sato);
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.command('set_pin', { pin: PIN });
		await sato.command('set_preferences', { changed: { urgentRepeatMinutes: 1 } });
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		notices?.stop();
		await stage.clear();
	});

	test('in sight, but without the focus, it notifies of the room that is open in it', async () => {
		await sato.openRoom(ROOM);
		sato.focusWindow();
		await eventually(hasFocus, 10, 'the focus');
		// Once something was read there, it is known where one looks.
		await say('巡回を始めます');
		await sato.message('巡回を始めます');
		await eventually(async () => (await sato.unread(ROOM)) === 0, 15, 'it to be read');
		const before = notices.raised.length;
		await say('点滴を替えました');
		await sato.message('点滴を替えました');
		await eventually(async () => (await sato.unread(ROOM)) === 0, 15, 'it to be read');
		assert.equal(notices.raised.length, before, 'it was before the eyes');

		const other = Companion.start('another program', 'display', ['-size', '160x120', 'xc:white'], {
			env: sato.desktop.env,
			log: join(sato.folder, 'display.log')
		});
		await eventually(async () => !(await hasFocus()), 15, 'the focus to go');
		assert.ok(sato.desktop.windowsOf(sato.pid).length > 0, 'the window is in sight');
		await say('脈が速いです');
		const raised = await raisedSince(before);
		assert.equal(raised.length, 1);
		await eventually(async () => (await sato.unread(ROOM)) === 1, 15, 'it not to be taken for read');
		await other.stop();
	});

	test('where its window was, and how large, is where it is again', async () => {
		sato.desktop.xdotool('windowsize', '--sync', sato.window, '900', '640');
		sato.desktop.xdotool('windowmove', '--sync', sato.window, '120', '70');
		const before = await eventually(() => geometry().width === 900 && geometry(), 10, 'another size');
		await sato.closeApp();
		await sato.openApp();
		await sato.isLive();
		await eventually(() => JSON.stringify(geometry()) === JSON.stringify(before), 10, JSON.stringify(before)).catch(
			(error) => assert.fail(`${error.message}, and not ${JSON.stringify(geometry())}`)
		);
	});

	test('the keys lock it, and locked it raises what is urgent again until someone takes it on', async () => {
		const before = locks();
		sato.focusWindow();
		await eventually(hasFocus, 10, 'the focus');
		sato.desktop.xdotool('key', '--clearmodifiers', 'ctrl+shift+l');
		await eventually(() => locks() > before, 20, 'the lock');
		await sato.crashApp();
		await sato.openApp();
		await eventually(() => sato.sees(testid('lock-screen')), 20, 'the lock screen');

		const raised = notices.raised.length;
		const id = await say('302号室、急変です', { room: 'general', priority: 'urgent' });
		await raisedSince(raised);
		await eventually(() => notices.raised.length > raised + 1, 110, 'it to be raised again');
		const [first, again] = notices.raised.slice(raised);
		for (const { summary, body, hints } of [first, again]) {
			assert.equal(hints.urgency, 2);
			assert.match(hints['sound-file'], /urgent\.wav$/);
			assert.doesNotMatch(summary + body, /急変|鈴木|田中/);
		}
		assert.ok(!notices.shown.has(first.number) || first.number === again.number, 'in place of the first');
		const yamada = (await server.signIn('yamada')).token;
		const body = { roomId: 'general', messageId: id };
		assert.equal((await server.call('POST', '/api/events/acknowledge', { token: yamada, body })).status, 200);
		await sato.fill(testid('pin'), PIN);
		await sato.click(testid('unlock'));
		await eventually(() => sato.sees(testid('room-item')), 20, 'the rooms');
	});

	test('started hidden it shows no window, notifies all the same, and a second start shows it', async () => {
		await sato.crashApp();
		const ended = sato.startAgain('--hidden');
		const pid = await eventually(() => processIn(sato.desktop.home, programs.app), 20, 'the app');
		const before = notices.raised.length;
		await say('応援をお願いします', { priority: 'urgent' });
		await raisedSince(before);
		assert.deepEqual(sato.desktop.windowsOf(pid), []);
		await sato.startAgain();
		await eventually(() => sato.desktop.windowsOf(pid).length > 0, 20, 'the window');
		process.kill(pid, 'SIGTERM');
		await Promise.all([ended, hasEnded(pid)]);
	});
});
