/**
 * The icon in the tray, the launcher and the title, as the desktop's own programs see them over the bus: what they tell, and what
 * one can do there without the window.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { programs } from '../../scripts/build.mjs';
import { ask, eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Launcher, Tray } from './peers.mjs';
import { Stage } from './stage.mjs';

describe('the tray', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {Tray} */ let tray;
	/** @type {Launcher} */ let launcher;
	let server, suzuki;

	const say = async (room, content, priority = 'normal') => {
		const body = { content, attachments: [], metadata: {}, clientMessageId: randomUUID(), priority };
		const { status } = await server.call('POST', `/api/rooms/${room}/messages`, { token: suzuki, body });
		assert.equal(status, 200);
	};
	/** What each place counts as unread. */
	const counts = async () => {
		const numberIn = (text, pattern) => Number(text?.match(pattern)?.[1] ?? 0);
		const [line] = await tray.menu();
		const [list, title] = await sato.page.run(
			`function (selector) {
				const rows = Array.from(document.querySelectorAll(selector));
				return [rows.reduce((sum, row) => sum + Number(row.dataset.unread), 0), document.title];
			}`,
			testid('room-item')
		);
		return {
			list,
			page: numberIn(title, /^\((\d+)\)/),
			window: numberIn(sato.desktop.xdotool('getwindowname', sato.window), /^\((\d+)\)/),
			label: Number((await tray.icon()).XAyatanaLabel || 0),
			menu: numberIn(line.label, /未読(\d+)件/),
			launcher: launcher.count
		};
	};
	const allCount = (number) =>
		eventually(
			async () => Object.values(await counts()).every((count) => count === number),
			15,
			`${number} everywhere`
		).catch(async (error) => assert.fail(`${error.message}: ${JSON.stringify(await counts())}`));
	/** How many pixels of the icon have this colour. */
	const pixels = async (colour) => {
		const { IconName, IconThemePath } = await tray.icon();
		const file = existsSync(IconName) ? IconName : `${IconThemePath}/${IconName}.png`;
		const rgba = ask('convert', [file, '-depth', '8', 'rgba:-'], { encoding: 'buffer' });
		const pixel = (at) => rgba.toString('hex', at, at + 3) === colour && rgba[at + 3] === 255;
		return Array.from({ length: rgba.length / 4 }, (_, index) => pixel(index * 4)).filter(Boolean).length;
	};
	const isShown = () => sato.desktop.windowsOf(sato.pid).length > 0;
	/** Closes the window by the keyboard. A key that is pressed before the window has the focus goes nowhere, and is pressed again. */
	const close = () => {
		let pressed = 0;
		return eventually(
			() => {
				if (!isShown()) return true;
				if (Date.now() - pressed > 3_000) {
					sato.focusWindow();
					sato.desktop.xdotool('key', '--clearmodifiers', 'alt+F4');
					pressed = Date.now();
				}
				return false;
			},
			20,
			'the end of the window'
		);
	};

	before(async () => {
		server = await stage.server();
		suzuki = (await server.signIn('suzuki')).token;
		sato = await stage.computer('sato');
		[tray, launcher] = await Promise.all([Tray.start(sato), Launcher.start(sato)]);
		await sato.openApp();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		tray?.stop();
		launcher?.stop();
		await stage.clear();
	});

	test('the command line tells what it is and what it takes', () => {
		for (const [flag, words] of [
			['--version', /^hugmedo-chat \d+\.\d+\.\d+/],
			['--help', /--hidden[^]*--data-dir|--data-dir[^]*--hidden/]
		]) {
			assert.match(ask(programs.app, [flag], { env: sato.desktop.env }), words);
		}
	});

	test('before anyone is signed in it says so, and offers only what is possible', async () => {
		await eventually(() => tray.count === 1, 15, 'the icon');
		await eventually(async () => (await tray.menu())[0].label === 'サインインしていません', 15, 'the words');
		const offered = (await tray.menu()).filter(({ enabled }) => enabled).map(({ label }) => label);
		assert.ok(offered.includes('HugMeDo チャットを開く') && offered.includes('終了'), String(offered));
		assert.ok(!offered.includes('ロック'), String(offered));
		assert.equal((await tray.icon()).Status, 'Active');
	});

	test('list, title, window, tray and launcher count the same, whatever happens', async () => {
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		// The first room is shown by itself, and read.
		sato.focusWindow();
		for (const room of ['general', 'announcements']) {
			await sato.openRoom(room);
			await eventually(async () => (await sato.unread(room)) === 0, 15, 'it to be read');
		}
		const before = await sato.unread('patient-tanaka');
		assert.ok(before > 0, 'the sample data has something to read');
		await allCount(before);
		await say('support', 'プリンターが直りました');
		await allCount(before + 1);
		await sato.openRoom('support');
		await allCount(before);
		await sato.openRoom('patient-tanaka');
		await allCount(0);
		await say('general', '申し送りは16時です');
		await allCount(1);
		assert.equal(launcher.entry.app, 'application://hugmedo-chat.desktop');
	});

	test('its picture says whether something is unread, and whether that is urgent', async () => {
		await eventually(async () => (await pixels('1d6fd8')) > 10, 15, 'the blue mark');
		assert.equal(await pixels('c62828'), 0);
		await say('support', '救急外来に来てください', 'urgent');
		await eventually(async () => (await pixels('c62828')) > 10, 15, 'the red mark');
		await eventually(async () => /至急1件/.test((await tray.menu())[0].label), 15, 'the words');
		await eventually(() => launcher.entry.urgent, 15, 'the launcher');
		await sato.openRoom('support');
		await eventually(async () => (await pixels('c62828')) === 0, 15, 'the end of it');
	});

	test('one sets a status there', async () => {
		await tray.choose('取り込み中');
		await eventually(
			async () => /取り込み中/.test(await sato.attribute(testid('own-status'), 'aria-label')),
			15,
			'the status in the window'
		);
		await eventually(
			async () => (await tray.menu()).some(({ label }) => label === '✓ 取り込み中'),
			15,
			'the mark there'
		);
	});

	test("and 'do not disturb', after which only what is urgent notifies", async () => {
		await tray.choose('通知を1時間止める');
		await eventually(async () => (await tray.menu()).some(({ label }) => label === '通知を再開'), 15, 'the way back');
		await sato.openRoom('general');
		const already = sato.desktop.notifications.length;
		await say('patient-tanaka', '採血が終わりました');
		await say('patient-tanaka', '血圧が下がっています', 'urgent');
		await eventually(() => sato.desktop.notifications.length > already, 15, 'the urgent one');
		assert.equal(sato.desktop.notifications.length, already + 1);
		assert.match(sato.desktop.notifications.at(-1).summary, /至急/);
		await tray.choose('通知を再開');
		await say('patient-tanaka', '落ち着きました');
		await eventually(() => sato.desktop.notifications.length === already + 2, 15, 'a routine one again');
	});

	test('closing the window leaves the app there, which is told once, and it opens again from there', async () => {
		const already = sato.desktop.notifications.length;
		await sato.openRoom('general');
		await eventually(async () => (await sato.unread('general')) === 0, 15, 'it to be read');
		const unread = launcher.count;
		await close();
		await eventually(() => sato.desktop.notifications.length > already, 15, 'that it goes on');
		assert.match(sato.desktop.notifications.at(-1).body, /トレイ/);
		await say('general', '午後の予定です');
		await eventually(() => launcher.count === unread + 1, 15, 'counting on: nobody reads in a window that is closed');
		await tray.choose('開く');
		await eventually(isShown, 15, 'the window');
		sato.focusWindow();
		await eventually(() => launcher.count === unread, 15, 'it to be read now');
		await close();
		await tray.choose('開く');
		await eventually(isShown, 15, 'the window');
		assert.equal(sato.desktop.notifications.length, already + 1, 'and is not told again');
		await sato.isPainted();
	});

	test('a second start shows the window of the first', async () => {
		await close();
		assert.equal(await sato.startAgain('--hidden'), 0);
		assert.equal(await sato.startAgain('not a link'), 2, 'is no way to start it');
		assert.ok(!isShown());
		assert.equal(await sato.startAgain(), 0);
		await eventually(isShown, 15, 'the window');
	});

	test('a link leads to its room and message, and one that leads nowhere says nothing', async () => {
		const { body } = await server.call('GET', '/api/rooms/support/messages?limit=1', { token: suzuki });
		const message = body.messages.at(-1);
		await sato.openRoom('general');
		for (const nowhere of ['hugmedo-chat://room/no-such-room', 'hugmedo-chat://elsewhere/general']) {
			await sato.startAgain(nowhere);
			assert.equal(await sato.attribute('[data-room-id=general]', 'aria-current'), 'page', nowhere);
		}
		assert.equal(await sato.startAgain(`hugmedo-chat://room/support/message/${message.id}`), 0);
		await sato.showsRoom('support');
		await sato.message(message.content);
	});

	test('it locks from there, and counts on without more', async () => {
		const [before] = await tray.menu();
		await tray.choose('ロック');
		await eventually(() => tray.count === 2, 20, 'the app that has begun anew');
		await eventually(
			async () => (await tray.menu()).some(({ label, enabled }) => label === 'ロック' && !enabled),
			20,
			'the lock'
		);
		await eventually(async () => (await tray.menu())[0].label === before.label, 15, 'the same count');
		await say('patient-tanaka', 'もう一件', 'urgent');
		await eventually(async () => (await tray.menu())[0].label !== before.label, 30, 'counting on');
		const [line] = await tray.menu();
		await eventually(() => `未読${launcher.count}件` === line.label.replace(/（.*/, ''), 15, 'the launcher too');
		assert.ok((await tray.menu()).every(({ label }) => !/田中|鈴木/.test(label)));
	});

	test('and ends from there', async () => {
		const pid = sato.pid;
		await tray.choose('終了');
		await eventually(() => !existsSync(`/proc/${pid}/exe`) || !isShown(), 20, 'the end of the app');
		await eventually(() => sato.hasEnded(pid), 20, 'the end of the app');
		await sato.forgetApp();
	});
});
