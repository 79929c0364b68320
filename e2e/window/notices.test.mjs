/**
 * Notifications on the real bus, to a service that tells all it was told: each once, none too many, gone when their reason is, and
 * a click that leads to the message, after a restart too.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Notices } from './peers.mjs';
import { Stage } from './stage.mjs';

const ROOM = 'patient-tanaka';

describe('notifications', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let ward;
	/** @type {import('./computer.mjs').Computer} */ let office;
	/** @type {Notices} */ let atWard;
	/** @type {Notices} */ let atOffice;
	let server, suzuki;
	/** The office's desktop plays no sounds; this is where the player it has instead notes what it was given. */
	let played;

	const say = async (content, { room = ROOM, priority = 'normal' } = {}) => {
		const body = { content, attachments: [], metadata: {}, clientMessageId: randomUUID(), priority };
		const { status } = await server.call('POST', `/api/rooms/${room}/messages`, { token: suzuki, body });
		assert.equal(status, 200);
	};
	/** What a notices service has raised since `before`, once there is something. */
	const raisedSince = (notices, before) =>
		eventually(() => notices.raised.length > before && notices.raised.slice(before), 15, 'a notification');
	const shown = (notices) => [...notices.shown.values()];
	const choose = async (computer, name) => {
		await computer.click(testid('settings'));
		await computer.clickLabel(name);
		await eventually(async () => /保存しました/.test(await computer.text('header [role=status]')), 10, 'it to be kept');
		await computer.click('a[href="/rooms"]');
		await eventually(() => computer.sees(testid('room-item')), 10, 'the rooms');
	};
	/** Leads elsewhere, so that what comes is not before anyone's eyes. */
	const lookAway = (computer) => computer.openRoom('announcements');

	/** Has another room be the first in the list, which is the one that a starting app shows. */
	const elsewhere = async () => {
		const before = await ward.unread('support');
		await say('プリンターの件', { room: 'support' });
		await eventually(async () => (await ward.unread('support')) > before, 15, 'it to be there');
	};

	before(async () => {
		server = await stage.server();
		suzuki = (await server.signIn('suzuki')).token;
		const programs = join(stage.folder, 'programs');
		mkdirSync(programs);
		played = join(stage.folder, 'played');
		writeFileSync(join(programs, 'pw-play'), `#!/bin/sh\necho "$1" >> '${played}'\n`);
		chmodSync(join(programs, 'pw-play'), 0o755);
		[ward, office] = await Promise.all([
			stage.computer('ward', { notices: false }),
			stage.computer('office', { notices: false, programs })
		]);
		[atWard, atOffice] = await Promise.all([
			Notices.start(ward),
			Notices.start(office, { abilities: ['actions', 'body'] })
		]);
		await Promise.all([ward.openApp(), office.openApp()]);
		for (const computer of [ward, office]) await computer.signIn(server, 'sato', 'hugmedo-demo');
		await Promise.all([ward.isLive(), office.isLive()]);
		await Promise.all([lookAway(ward), lookAway(office)]);
	});
	afterEach((context) => keepEvidence(context, { ward, office }));
	after(async () => {
		atWard?.stop();
		atOffice?.stop();
		await stage.clear();
	});

	test('one for a message on each device, which says who wrote and no more, softly', async () => {
		const before = [atWard.raised.length, atOffice.raised.length];
		await say('血圧が下がっています');
		const [first, ...more] = await raisedSince(atWard, before[0]);
		await raisedSince(atOffice, before[1]);
		assert.deepEqual(more, []);
		assert.equal(first.app, 'HugMeDo Chat');
		assert.match(first.body, /鈴木/);
		assert.doesNotMatch(first.summary + first.body, /血圧|田中/);
		assert.equal(first.hints.urgency, 1);
		assert.match(first.hints['sound-file'], /routine\.wav$/);
		assert.ok(existsSync(first.hints['sound-file']), 'the sound is where it says');
		assert.deepEqual(first.actions, ['default', '開く']);
	});

	test('where the desktop plays no sounds, the app does', async () => {
		await eventually(() => existsSync(played) && /routine\.wav/.test(readFileSync(played, 'utf8')), 10, 'the sound');
		assert.equal(shown(atOffice)[0].hints['suppress-sound'], true, 'and not twice');
	});

	test('a burst becomes one that counts, and sounds once', async () => {
		const before = atWard.raised.length;
		await say('脈も速いです');
		await say('熱があります');
		await eventually(() => shown(atWard).some(({ body }) => /ほか2件/.test(body)), 15, 'one for all three');
		assert.equal(shown(atWard).length, 1);
		const sounds = atWard.raised.slice(before).filter(({ hints }) => hints['sound-file']);
		assert.deepEqual(sounds, []);
	});

	test('an urgent one stands by itself, stays, and is loud', async () => {
		const before = atWard.raised.length;
		await say('急変です', { priority: 'urgent' });
		const [urgent] = await raisedSince(atWard, before);
		assert.equal(urgent.hints.urgency, 2);
		assert.equal(urgent.expires, 0);
		assert.match(urgent.hints['sound-file'], /urgent\.wav$/);
		assert.match(urgent.summary, /至急/);
		assert.equal(shown(atWard).length, 2);
		await eventually(() => /urgent\.wav/.test(readFileSync(played, 'utf8')), 10, 'the sound at the office');
	});

	test('read on one device, they are gone from the other, with its badge', async (context) => {
		assert.ok(shown(atOffice).length >= 2);
		const badge = await office.unread(ROOM);
		assert.ok(badge >= 4);
		ward.focusWindow();
		await ward.openRoom(ROOM);
		await eventually(async () => (await ward.unread(ROOM)) === 0, 15, 'it to be read');
		const began = Date.now();
		await eventually(() => shown(atOffice).length === 0, 15, 'the end of the notifications');
		await eventually(async () => (await office.unread(ROOM)) === 0, 15, 'the end of the badge');
		context.diagnostic(`gone from the other device after ${Date.now() - began} ms`);
		await eventually(() => shown(atWard).length === 0, 15, 'the end of those here');
	});

	test('none for what is before the eyes, and one for the other device', async () => {
		const before = [atWard.raised.length, atOffice.raised.length];
		await say('落ち着きました');
		await ward.message('落ち着きました');
		await eventually(async () => (await ward.unread(ROOM)) === 0, 15, 'it to be read');
		assert.equal(atWard.raised.length, before[0]);
		// The office may have shown it for the moment until it was read.
		assert.ok(atOffice.raised.length <= before[1] + 1);
		await eventually(() => shown(atOffice).length === 0, 15, 'none is left there');
	});

	for (const [choice, summary, body] of [
		['「新しいメッセージ」のみ', /^新しいメッセージ$/, /^$/],
		['送信者と本文', /田中/, /鈴木 健一: <検査>の結果です/],
		['送信者（患者さんの名前は出しません）', /^新しいメッセージ$/, /^鈴木 健一さんから/]
	]) {
		test(`it tells as much as was chosen: ${choice}`, async () => {
			await choose(ward, choice);
			await lookAway(ward);
			const before = atWard.raised.length;
			await say('<検査>の結果です');
			const [raised] = await raisedSince(atWard, before);
			const told = [raised.summary, raised.body.replaceAll('&lt;', '<').replaceAll('&gt;', '>')];
			assert.match(told[0], summary);
			assert.match(told[1], body);
			assert.ok(!raised.body.includes('<'), 'and no markup');
			ward.focusWindow();
			await ward.openRoom(ROOM);
			await eventually(() => shown(atWard).length === 0, 15, 'it to be taken back');
			await lookAway(ward);
		});
	}

	test('a click leads to the message', async () => {
		const before = atWard.raised.length;
		await say('こちらをご覧ください');
		const [raised] = await raisedSince(atWard, before);
		await ward.showsRoom('announcements');
		atWard.click(raised.number);
		await ward.showsRoom(ROOM);
		await ward.message('こちらをご覧ください');
		ward.focusWindow();
		await eventually(async () => (await ward.unread(ROOM)) === 0, 15, 'it to be read');
		await lookAway(ward);
	});

	test('one is raised for each message, whatever becomes of link, page and server', async () => {
		const before = atWard.raised.length;
		const unread = await ward.unread(ROOM);
		await ward.page.reload();
		await eventually(() => ward.sees(testid('room-item')), 20, 'the page');
		await lookAway(ward);
		await say('再読み込みの後');
		await eventually(async () => (await ward.unread(ROOM)) === unread + 1, 15, 'the badge');
		await server.kill();
		await eventually(async () => (await ward.connection()) !== 'live', 30, 'the outage');
		server = await server.restart();
		suzuki = (await server.signIn('suzuki')).token;
		await say('つながる前に届いた');
		await ward.isLive();
		await eventually(async () => (await ward.unread(ROOM)) === unread + 2, 15, 'the badge');
		const sums = atWard.raised.slice(before).map(({ body }) => Number(body.match(/ほか(\d+)件/)?.[1] ?? 0));
		assert.deepEqual(sums, [0, 1], 'two messages, two notifications, the second for both');
		assert.equal(shown(atWard).length, 1);
	});

	test('after a restart the one on the screen is still known, and a click leads to its message', async () => {
		const [standing] = shown(atWard);
		await elsewhere();
		const before = atWard.raised.length;
		await ward.crashApp();
		assert.equal(shown(atWard).length, 1, 'the service goes on showing it');
		await ward.openApp();
		await ward.isLive();
		await eventually(() => atWard.raised.length > before, 15, 'it to be taken over');
		const [taken, ...more] = atWard.raised.slice(before);
		assert.deepEqual(more, []);
		assert.equal(taken.replaces, standing.number, 'in its place');
		assert.equal(taken.hints['sound-file'], undefined, 'without a sound');
		assert.match(taken.body, /ほか1件/);
		await lookAway(ward);
		atWard.click(taken.number);
		await ward.showsRoom(ROOM);
		await ward.message('つながる前に届いた');
		await lookAway(ward);
	});

	test('what was read elsewhere while the app was off is gone when it starts', async () => {
		const before = atWard.raised.length;
		await say('いま読みます');
		await raisedSince(atWard, before);
		await elsewhere();
		await ward.crashApp();
		office.focusWindow();
		await office.openRoom(ROOM);
		await eventually(async () => (await office.unread(ROOM)) === 0, 15, 'it to be read');
		await lookAway(office);
		assert.equal(shown(atWard).length, 1);
		await ward.openApp();
		await eventually(() => shown(atWard).length === 0, 20, 'the end of it');
		await ward.isLive();
		await lookAway(ward);
	});

	test('what the person has closed does not come back', async () => {
		const before = atWard.raised.length;
		await say('閉じられる通知');
		const [raised] = await raisedSince(atWard, before);
		atWard.dismiss(raised.number);
		await elsewhere();
		await ward.crashApp();
		await ward.openApp();
		await ward.isLive();
		await eventually(async () => (await ward.unread(ROOM)) > 0, 15, 'it to be unread still');
		assert.equal(atWard.raised.length, before + 1);
		assert.equal(shown(atWard).length, 0);
		await lookAway(ward);
	});

	test('sounds can be left out', async () => {
		await choose(ward, '鳴らさない');
		await lookAway(ward);
		const before = atWard.raised.length;
		await say('静かな至急', { priority: 'urgent' });
		const [raised] = await raisedSince(atWard, before);
		assert.equal(raised.hints['sound-file'], undefined);
		assert.equal(raised.hints['suppress-sound'], true);
	});

	test('locking leaves no name on the screen', async () => {
		const [standing] = shown(atWard);
		assert.match(standing.body, /鈴木/);
		ward.focusWindow();
		ward.desktop.xdotool('key', '--clearmodifiers', 'ctrl+shift+l');
		await eventually(() => shown(atWard).every(({ summary, body }) => !/鈴木|患者/.test(summary + body)), 20, 'none');
		assert.equal(shown(atWard).length, 1, 'and it is still told that there is something');
		// It has begun anew, where the driver does not find it.
		await ward.crashApp();
		await ward.openApp();
		await eventually(() => ward.sees(testid('lock-screen')), 20, 'the lock screen');
		// Nobody has chosen a PIN: who it is signs in.
		await ward.signIn(server, 'sato', 'hugmedo-demo');
		await ward.isLive();
	});

	test('signing out leaves none on the screen', async () => {
		assert.ok(shown(atWard).length > 0);
		await ward.signOut();
		await eventually(() => shown(atWard).length === 0, 15, 'an empty screen');
	});
});
