/**
 * Two clinicians, each with the app in a real window on a computer of their own, and one real server: the main job.
 *
 * The journeys build on one another and run in this order.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { field, keepEvidence, roomItem, testid } from './computer.mjs';
import { Stage } from './stage.mjs';
import { Key } from './webdriver.mjs';

describe('two clinicians', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {import('./computer.mjs').Computer} */ let suzuki;
	let server;

	before(async () => {
		server = await stage.server();
		[sato, suzuki] = await Promise.all([stage.computer('sato'), stage.computer('suzuki')]);
		await Promise.all([sato.openApp(), suzuki.openApp()]);
	});

	afterEach((context) => keepEvidence(context, { sato, suzuki }));
	after(() => stage.clear());

	test('a wrong password is told as a sentence, and what was typed stays', async () => {
		await sato.fillSignIn(server, 'sato', 'not my password');
		const sentence = await eventually(() => sato.text(testid('error')), 15, 'the sentence');
		assert.match(sentence, /パスワード/, 'it speaks of the password, in Japanese');
		assert.doesNotMatch(sentence, /unauthorized|error|undefined|\[object/i, 'it is no code');
		assert.equal(
			await sato.page.run(`function (selector) { return document.querySelector(selector).value; }`, field.username),
			'sato'
		);
	});

	test('they sign in through the form and are live', async () => {
		await Promise.all([sato.signIn(server, 'sato', 'hugmedo-demo'), suzuki.signIn(server, 'suzuki', 'hugmedo-demo')]);
		await Promise.all([sato.isLive(), suzuki.isLive()]);
		await Promise.all([sato.isPainted(), suzuki.isPainted()]);
		for (const room of ['general', 'support', 'announcements', 'patient-tanaka']) {
			assert.ok(await sato.sees(roomItem(room)), `sato's list has ${room}`);
		}
	});

	test('a message appears in the other window, once in each, and is delivered', async () => {
		await Promise.all([sato.openRoom('general'), suzuki.openRoom('general')]);
		await sato.send('おはようございます。301号室の点滴を確認しました。');
		const received = await suzuki.message('301号室の点滴');
		assert.equal(received.own, false);
		const sent = await sato.message('301号室の点滴', (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
		assert.equal(sent.own, true);
		assert.equal(await sato.draft(), '');
		await Promise.all([sato.isPainted(), suzuki.isPainted()]);
	});

	test('an answer in the other direction is seen to be read', async () => {
		suzuki.focusWindow();
		sato.focusWindow();
		await suzuki.send('ありがとうございます。助かります。');
		await sato.message('助かります');
		await suzuki.message('助かります', (row) => row.delivery === 'read');
	});

	test('typing shows in the other window, and goes away when the message is there', async () => {
		await sato.write('これから');
		await eventually(() => suzuki.text(testid('typing')), 15, 'the typing indicator');
		assert.match(await suzuki.text(testid('typing')), /佐藤/);
		assert.ok(!(await sato.text(testid('typing'))), 'nobody is told of their own typing');
		await sato.write(`回診に行きます${Key.enter}`);
		await suzuki.message('これから回診に行きます');
		await eventually(async () => !(await suzuki.text(testid('typing'))), 15, 'the end of the typing indicator');
	});

	test('Shift+Enter breaks the line, Enter sends', async () => {
		await sato.write(`一行目${Key.shift}${Key.enter}${Key.shift}二行目`);
		await sato.write(Key.enter);
		assert.match((await suzuki.message('一行目')).text, /一行目\n二行目/);
	});

	test('a badge counts what is unread, and is gone once it was on the screen', async () => {
		await eventually(async () => (await suzuki.unread('general')) === 0, 15, 'what came before to be read');
		await suzuki.openRoom('support');
		await sato.send('申し送り 一件目');
		await sato.send('申し送り 二件目');
		await eventually(async () => (await suzuki.unread('general')) === 2, 15, 'a badge of 2');
		suzuki.focusWindow();
		await suzuki.openRoom('general');
		await suzuki.message('申し送り 二件目');
		await eventually(async () => (await suzuki.unread('general')) === 0, 15, 'the badge to be gone');
		await sato.message('申し送り 二件目', (row) => row.delivery === 'read');
	});

	test("a message in a patient's room raises one native notification, without its text, for who is not looking", async () => {
		const already = suzuki.desktop.notifications.length;
		const before = suzuki.desktop.pixels();
		await sato.openRoom('patient-tanaka');
		await sato.send('田中さんの血圧が下がっています');
		await eventually(() => suzuki.desktop.notifications.length > already, 15, 'the notification');
		// The badge comes with the same message: by the time a second one is counted, a second notification would be there.
		await eventually(async () => (await suzuki.unread('patient-tanaka')) === 1, 15, 'the badge');
		const raised = suzuki.desktop.notifications.slice(already);
		assert.equal(raised.length, 1, 'one notification for one message');
		assert.ok(raised[0].id > 0, 'the notification service has taken it');
		assert.match(raised[0].summary, /\S/);
		assert.doesNotMatch(JSON.stringify(raised[0]), /血圧|田中/, 'a screen is seen by others');
		await eventually(() => !before.equals(suzuki.desktop.pixels()), 10, 'the notification on the screen');
		assert.equal(sato.desktop.notifications.length, 0, 'nobody is notified of their own message');
		suzuki.picture('notification');
	});

	test('a click on the notification shows its room', async () => {
		await suzuki.showsRoom('general');
		suzuki.desktop.clickOnNotification();
		await suzuki.showsRoom('patient-tanaka');
		await suzuki.message('田中さんの血圧が下がっています');
		await eventually(async () => (await suzuki.unread('patient-tanaka')) === 0, 15, 'the badge to be gone');
	});

	test('a notification is taken back when its message was read on another device', async () => {
		await suzuki.openRoom('general');
		const already = suzuki.desktop.notifications.length;
		await sato.send('採血の結果が出ました');
		await eventually(() => suzuki.desktop.notifications.length > already, 15, 'the notification');
		const { id } = suzuki.desktop.notifications.at(-1);
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/patient-tanaka/messages?limit=1', { token });
		const read = { roomId: 'patient-tanaka', upToSeq: body.messages.at(-1).seq };
		assert.equal((await server.call('POST', '/api/events/read', { token, body: read })).status, 200);
		await eventually(() => suzuki.desktop.withdrawn.includes(id), 15, 'the notification to be taken back');
		await eventually(async () => (await suzuki.unread('patient-tanaka')) === 0, 15, 'the badge to be gone');
	});

	test("a message that is before one's eyes raises no notification", async () => {
		suzuki.focusWindow();
		await suzuki.openRoom('patient-tanaka');
		const already = suzuki.desktop.notifications.length;
		await sato.send('血圧は戻りました');
		await suzuki.message('血圧は戻りました');
		await sato.message('血圧は戻りました', (row) => row.delivery === 'read');
		assert.equal(suzuki.desktop.notifications.length, already);
	});

	test('routine talk among staff changes the badge only', async () => {
		const already = suzuki.desktop.notifications.length;
		await sato.openRoom('general');
		await sato.send('昼食に行ってきます');
		await eventually(async () => (await suzuki.unread('general')) === 1, 15, 'the badge');
		assert.equal(suzuki.desktop.notifications.length, already);
	});

	test('a notification is tried in the settings, and what became of it is told', async () => {
		const already = suzuki.desktop.notifications.length;
		await suzuki.click(testid('settings'));
		await suzuki.click(testid('notification-test'));
		assert.match(await eventually(() => suzuki.text(testid('notification-tested')), 15, 'the outcome'), /dunst/);
		await eventually(() => suzuki.desktop.notifications.length === already + 1, 15, 'the notification');
		const pause = (on) => spawnSync('dunstctl', ['set-paused', String(on)], { env: suzuki.desktop.env });
		pause(true);
		await suzuki.click(testid('notification-test'));
		const heldBack = async () => /止められています/.test(await suzuki.text(testid('notification-tested')));
		await eventually(heldBack, 15, 'that it is held back');
		pause(false);
	});
});
