/**
 * What two clinicians do with messages beside sending them, each in a real window and over a real server: answer, react, correct,
 * take back, find again, mark as unread. The journeys build on one another and run in this order.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';
import { Key } from './webdriver.mjs';

describe('a conversation', () => {
	const stage = new Stage();
	let server;
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {import('./computer.mjs').Computer} */ let suzuki;

	before(async () => {
		server = await stage.server();
		[sato, suzuki] = await Promise.all([stage.computer('sato'), stage.computer('suzuki')]);
		await Promise.all([sato.openApp(), suzuki.openApp()]);
		await Promise.all([sato.signIn(server, 'sato', 'hugmedo-demo'), suzuki.signIn(server, 'suzuki', 'hugmedo-demo')]);
		await Promise.all([sato.openRoom('general'), suzuki.openRoom('general')]);
		await sato.send('午後の回診は15時からです');
		await suzuki.message('午後の回診');
	});

	afterEach((context) => keepEvidence(context, { sato, suzuki }));
	after(() => stage.clear());

	/** The first message with this text, as shown: what quotes it comes later. */
	const original = (computer, text) =>
		eventually(async () => (await computer.messages()).find((row) => row.text.includes(text)), 20, text);
	/** The same, for selectors within it. */
	const row = async (computer, text) => {
		await original(computer, text);
		await computer.page.run(
			`function (selector, text) {
				for (const marked of document.querySelectorAll('[data-e2e-row]')) delete marked.dataset.e2eRow;
				const row = Array.from(document.querySelectorAll(selector)).find((row) => row.innerText.includes(text));
				row.dataset.e2eRow = '';
			}`,
			testid('message'),
			text
		);
		return '[data-e2e-row]';
	};
	/** Presses a key on a message that has the focus. */
	const press = async (computer, text, key) => {
		computer.focusWindow();
		await (await computer.page.find(await row(computer, text))).type(key);
	};
	const replaceDraft = async (computer, text) => {
		await (await computer.page.find(testid('composer'))).clear();
		await computer.send(text);
	};

	test('an answer carries what it answers', async () => {
		await press(suzuki, '午後の回診', 'r');
		await eventually(() => suzuki.sees(testid('composer-mode')), 15, 'the answer to begin');
		await suzuki.send('承知しました。同席します。');
		assert.match((await sato.message('同席します')).text, /午後の回診は15時からです/);
	});

	test('a reaction is counted in both windows, and goes away again', async () => {
		const thumb = `${testid('toolbar')} button[aria-label$="👍"]`;
		const react = async () => {
			const selector = await row(suzuki, '午後の回診は15時からです');
			// The tools are there for who points at a message, or has the focus on it.
			await suzuki.page.run(`function (selector) { document.querySelector(selector).focus(); }`, selector);
			await suzuki.click(`${selector} ${thumb}`);
		};
		const counted = async (computer) =>
			computer.text(`${await row(computer, '午後の回診は15時からです')} ${testid('reaction')}`);
		await react();
		for (const computer of [suzuki, sato]) {
			await eventually(async () => /👍\s*1/.test(await counted(computer)), 15, 'the reaction');
		}
		await react();
		await eventually(async () => !(await counted(sato)), 15, 'the reaction to go');
	});

	test('a correction is shown to both, and said to be one', async () => {
		await press(sato, '午後の回診', 'e');
		await eventually(async () => (await sato.draft()).includes('15時'), 15, 'the text to correct');
		await replaceDraft(sato, '午後の回診は16時に変わりました');
		const corrected = await original(suzuki, '回診は16時に変わりました');
		assert.match(corrected.text, /編集/);
	});

	test('what is taken back is gone from both, and its place says so', async () => {
		await sato.send('宛先を間違えました');
		await suzuki.message('宛先を間違えました');
		await press(sato, '宛先を間違えました', '\uE017');
		await sato.click(testid('delete-yes'));
		await original(suzuki, 'このメッセージは取り消されました');
		assert.ok(!(await suzuki.messages()).some((row) => row.text.includes('宛先を間違え')));
	});

	/** The text of what has the focus. */
	const focused = (computer) => computer.page.run(`function () { return document.activeElement.innerText ?? ''; }`);

	test('a press on what is answered leads to it, and a day to its first message', async () => {
		await suzuki.click(`${await row(suzuki, '同席します')} ${testid('quote')}`);
		await eventually(async () => (await focused(suzuki)).includes('回診は16時'), 15, 'the message that was answered');
		await suzuki.click(testid('jump-to-date'));
		await suzuki.click(`${testid('popover')} [data-today]`);
		const isMessage = `function () { return document.activeElement.dataset.testid === 'message'; }`;
		await eventually(() => suzuki.page.run(isMessage), 15, 'the first message of the day');
		await suzuki.openRoom('support');
		await suzuki.openRoom('general');
	});

	test('what was begun stays with its room, over another room and a reload', async () => {
		await suzuki.write('書きかけの返事');
		await suzuki.openRoom('support');
		await eventually(async () => (await suzuki.draft()) === '', 15, 'an empty field in the other room');
		await suzuki.openRoom('general');
		await eventually(async () => (await suzuki.draft()) === '書きかけの返事', 15, 'what was begun');
		await suzuki.page.reload();
		await suzuki.openRoom('general');
		await eventually(async () => (await suzuki.draft()) === '書きかけの返事', 15, 'what was begun, after the reload');
		await suzuki.fill(testid('composer'), '');
	});

	test('a message of five thousand lines is folded, whole when asked for, and holds up nobody', async () => {
		const { token } = await server.signIn('sato');
		const body = { roomId: 'general', content: '行\n'.repeat(4_999) };
		assert.equal((await server.call('POST', '/api/rooms/general/messages', { token, body })).status, 200);
		await suzuki.clickOn('すべて表示');
		await eventually(() => suzuki.text('button[aria-expanded=true]'), 20, 'all of it');
		await suzuki.send('続けて読めます');
		await suzuki.message('続けて読めます', (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
	});

	test('the palette leads anywhere by keyboard', async () => {
		suzuki.focusWindow();
		await suzuki.write(`${Key.control}k${Key.control}`);
		await eventually(() => suzuki.sees(testid('palette')), 15, 'the palette');
		await (await suzuki.page.find(`${testid('palette')} input`)).type(`設定${Key.enter}`);
		await eventually(() => suzuki.sees(testid('settings-find')), 15, 'the settings');
		await suzuki.click('a[href="/rooms"]');
		await suzuki.openRoom('general');
	});

	test('two characters find it, and a hit leads there', async () => {
		await suzuki.openRoom('support');
		await suzuki.click(testid('search'));
		await suzuki.fill(testid('search-text'), '16時');
		await eventually(async () => (await suzuki.text(testid('hit')))?.includes('16時'), 15, 'a hit');
		await suzuki.click(testid('hit'));
		await suzuki.showsRoom('general');
		await original(suzuki, '回診は16時に変わりました');
	});

	test('a message that is marked as unread counts again until it is read', async () => {
		await press(suzuki, '回診は16時に変わりました', 'u');
		await eventually(async () => (await suzuki.unread('general')) > 0, 15, 'the badge');
		await eventually(async () => !(await suzuki.sees(testid('composer'))), 15, 'the room to be left');
		await suzuki.openRoom('general');
		await eventually(() => suzuki.sees(testid('divider')), 15, 'the line before what is new');
		await eventually(async () => (await suzuki.unread('general')) === 0, 15, 'the badge to be gone');
	});
});
