/**
 * What one clinician writes in the real window, by its real keys and its real clipboard; what came of it is what the server has.
 * The journeys build on one another and run in this order.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';
import { Key } from './webdriver.mjs';

describe('writing', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server;
	let token;

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato');
		// The person's own dictionary goes before those of the computer.
		const dictionaries = join(sato.desktop.home, '.config', 'enchant', 'hunspell');
		mkdirSync(dictionaries, { recursive: true });
		writeFileSync(join(dictionaries, 'en_US.aff'), 'SET UTF-8\n');
		writeFileSync(join(dictionaries, 'en_US.dic'), '2\npatient\nstable\n');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		({ token } = await server.signIn('suzuki'));
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	/** What the server has of a room. */
	const said = async (roomId) => {
		const { body } = await server.call('GET', `/api/rooms/${roomId}/messages?limit=200`, { token });
		return body.messages;
	};
	/** The message that the server has of a room, once it has it. */
	const arrived = (roomId, wanted) =>
		eventually(async () => (await said(roomId)).find(wanted), 20, `a message in ${roomId}`);

	test('what is sent to a room with a patient is taken back in time, and what is not goes by itself', async () => {
		await sato.openRoom('patient-tanaka');
		await sato.send('病棟に送るつもりでした');
		await sato.click(testid('undo'));
		await eventually(async () => (await sato.draft()) === '病棟に送るつもりでした', 15, 'the text to be back');
		await eventually(async () => !(await sato.sees(testid('held'))), 15, 'nothing to be held back');
		await sato.fill(testid('composer'), '');
		await sato.send('お大事になさってください');
		await eventually(() => sato.sees(testid('held')), 15, 'it to be held back');
		await arrived('patient-tanaka', ({ content }) => content === 'お大事になさってください');
		// Had the first not been taken back, it would have gone before the second.
		assert.ok(!(await said('patient-tanaka')).some(({ content }) => content.includes('病棟に送るつもり')));
	});

	test('an @ and some letters of a name offer it, Enter takes it, and it is told to the server', async () => {
		await sato.openRoom('general');
		await sato.write('@yam');
		await eventually(() => sato.sees(testid('mentions')), 15, 'the offer');
		await sato.write(Key.enter);
		await eventually(async () => (await sato.draft()) === '@山田 さくら ', 15, 'the name');
		await sato.send('処方をお願いします');
		const { mentions } = await arrived('general', ({ content }) => content.includes('処方をお願いします'));
		assert.deepEqual(mentions, ['yamada']);
	});

	test('a message is forwarded to another room by keyboard, and stays in its own', async () => {
		await sato.message('処方をお願いします');
		sato.focusWindow();
		await (await sato.page.find(await sato.mark(testid('message'), '処方をお願いします'))).type('f');
		await eventually(() => sato.sees(testid('forward-dialog')), 15, 'the rooms to choose from');
		await sato.fill(`${testid('forward-dialog')} input`, 'サポート');
		await sato.click(`${testid('forward-dialog')} li button`);
		await arrived('support', ({ content }) => content.includes('処方をお願いします'));
		assert.equal((await said('general')).filter(({ content }) => content.includes('処方をお願いします')).length, 1);
	});

	test('a picture on the clipboard is pasted by its keys, and goes with the message', async () => {
		// A press of the person's is what an engine lets a page write to the clipboard for.
		await sato.page.run(
			`function (selector) {
				const canvas = Object.assign(document.createElement('canvas'), { width: 120, height: 80 });
				canvas.getContext('2d').fillRect(10, 10, 60, 40);
				const png = new Promise((made) => canvas.toBlob(made, 'image/png'));
				document.querySelector(selector).addEventListener('click', () => {
					navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]).then(
						() => (document.body.dataset.e2eCopied = 'yes'),
						(error) => (document.body.dataset.e2eCopied = String(error))
					);
				}, { once: true });
			}`,
			testid('composer')
		);
		await sato.click(testid('composer'));
		assert.equal(await eventually(() => sato.attribute('body', 'data-e2e-copied'), 15, 'the copy'), 'yes');
		sato.focusWindow();
		sato.desktop.xdotool('key', '--clearmodifiers', 'ctrl+v');
		await eventually(() => sato.sees(testid('composer-files')), 15, 'the picture beside the text');
		await eventually(() => sato.sees(`${testid('send')}:not(:disabled)`), 30, 'the picture to be read');
		await sato.send('創部の写真です');
		const { attachments } = await arrived('general', ({ content }) => content === '創部の写真です');
		assert.deepEqual(
			attachments.map(({ mediaType, width, height }) => [mediaType, width, height]),
			[['image/png', 120, 80]]
		);
	});

	test('no key of a conversion sends, in the order in which this engine tells of its end', async () => {
		const press = (init) =>
			sato.page.run(
				`function (selector, init) {
					const field = document.querySelector(selector);
					return field.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }));
				}`,
				testid('composer'),
				init
			);
		const compose = (type, data) =>
			sato.page.run(
				`function (selector, type, data) {
					const field = document.querySelector(selector);
					field.dispatchEvent(new CompositionEvent(type, { bubbles: true, data }));
					field.value = data;
					field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertCompositionText', data }));
				}`,
				testid('composer'),
				type,
				data
			);
		await compose('compositionstart', 'へんかん');
		assert.equal(await press({ key: 'Enter', isComposing: true }), true, 'the key is the conversion’s');
		await compose('compositionend', '変換した文');
		assert.equal(await press({ key: 'Enter', keyCode: 229 }), true, 'and so is the one that ends it');
		assert.equal(await sato.draft(), '変換した文');
		await sato.write(Key.enter);
		await arrived('general', ({ content }) => content === '変換した文');
		assert.equal((await said('general')).filter(({ content }) => content.includes('変換')).length, 1);
	});

	test('a misspelt word is marked, and neither a right one nor Japanese is, which no dictionary knows', async () => {
		/** How much of the field is red on the screen, as the marks are. */
		const marks = async () => {
			const [left, top, width, height, all] = await sato.page.run(
				`function (selector) {
					const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
					return [x, y, width, height, innerWidth].map(Math.round);
				}`,
				testid('composer')
			);
			const screen = sato.desktop.pixels(sato.window);
			let red = 0;
			for (let y = top; y < top + height; y++) {
				for (let x = left; x < left + width; x++) {
					const at = (y * all + x) * 3;
					if (screen[at] > screen[at + 1] + 60 && screen[at] > screen[at + 2] + 60) red++;
				}
			}
			return red;
		};
		await sato.openRoom('general');
		for (const [text, isMarked] of [
			['stable patient ', false],
			['stable pateint ', true],
			['容体は安定しています。 ', false],
			['stable 容体は安定 ', false]
		]) {
			await sato.fill(testid('composer'), '');
			await sato.write(text);
			await sato.isPainted();
			assert.equal((await marks()) > 0, isMarked, text);
		}
	});
});
