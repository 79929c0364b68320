/** Finding one's way in Chromium: rooms, people, search, palette, shortcuts, large text. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, openRoom, room, testid } from './scene.mjs';

describe('finding one’s way', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const start = async (scene = 'lang=en') => {
		page = await browser.page(scene, { width: 900, height: 600 });
		await openRoom(page, 'general');
	};
	const windows = {
		'the search': async () => {
			await page.keyboard.press('Control+Shift+F');
			await page.fill(testid('search-text'), '回診');
			await page.waitForSelector(testid('hit'));
		},
		'the palette': () => page.keyboard.press('Control+K').then(() => page.waitForSelector(testid('palette'))),
		'the shortcuts': () => page.keyboard.press('Control+/').then(() => page.waitForSelector(testid('shortcut-sheet'))),
		'the details of a room': () =>
			page.click(testid('room-info-open')).then(() => page.waitForSelector(testid('member'))),
		'a new conversation': () =>
			page.click(testid('new-room-open')).then(() => page.locator('input[value=ito]').waitFor()),
		'a day to go to': () => page.click(testid('jump-to-date')).then(() => page.waitForSelector(testid('popover')))
	};
	for (const [name, open] of Object.entries(windows)) {
		test(`${name}: Escape closes it and gives the focus back`, async () => {
			await start();
			await open();
			await page.keyboard.press('Escape');
			await page.waitForFunction(() => document.querySelector('dialog, [data-testid=popover]') === null);
			await page.waitForFunction(() => document.activeElement !== document.body);
		});
	}

	test('a hit is found by other kana, chosen by arrows, and opened where it stands', async () => {
		await start('lang=ja');
		await page.keyboard.press('Control+Shift+F');
		await page.keyboard.type('ぷりんたー');
		await page.waitForSelector(testid('hit'));
		assert.equal(await page.innerText(`${testid('hit')} mark`), 'プリンター');
		await page.fill(testid('search-text'), '回診');
		await page.waitForFunction(() => document.querySelectorAll('[data-testid=hit]').length > 5);
		for (let presses = 0; presses < 12; presses++) await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('search-dialog'), { state: 'detached' });
		await page.waitForFunction(() => document.activeElement?.dataset.testid === 'message');
		assert.match(await page.evaluate(() => document.activeElement.textContent), /回診/);
	});

	test('a search here stays here, and one for another room opens that', async () => {
		await start('lang=ja');
		await page.keyboard.press('Control+F');
		await page.keyboard.type('プリンター');
		await page.getByText('見つかりませんでした').waitFor();
		await page
			.locator(`${testid('search-dialog')} select`)
			.first()
			.selectOption('');
		await page.waitForSelector(testid('hit'));
		await page.focus(testid('search-text'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${room('support')}[aria-current=page]`);
		await page.waitForFunction(() => document.activeElement?.textContent?.includes('プリンター'));
	});

	test('the palette goes to a room by the name of who is in it, however fast one types', async () => {
		await start();
		await page.keyboard.press('Control+K');
		await page.waitForSelector(testid('palette'));
		// All in one task of the page: nothing that follows later can have followed.
		await page.evaluate(() => {
			const field = document.activeElement;
			field.value = 'tanaka';
			field.dispatchEvent(new Event('input', { bubbles: true }));
			field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
		});
		await page.waitForSelector(`${room('patient-tanaka')}[aria-current=page]`);
		await page.keyboard.press('Alt+ArrowDown');
		await page.waitForSelector(`${room('general')}[aria-current=page]`);
	});

	test('a room is pinned, and told to be so', async () => {
		await start();
		await page.click(room('support'));
		await page.click(testid('room-info-open'));
		assert.match(await page.innerText(testid('room-info')), /山田 さくら[\s\S]*On call/);
		await page.check(testid('pin'));
		await page.keyboard.press('Escape');
		await page.waitForFunction(() => document.querySelector('[data-testid=room-item]').dataset.roomId === 'support');
	});

	test('urgent messages and mentions are told in the list by word and mark', async () => {
		page = await browser.page('lang=en&state=busy');
		await page.waitForSelector(`${room('general')} ${testid('unread-urgent')}`);
		assert.equal(await page.locator(`${room('general')} ${testid('unread-mention')}`).count(), 1);
	});

	test('a conversation of two is begun with one choice, a group with a name', async () => {
		await start();
		await page.click(testid('new-room-open'));
		await page.getByLabel('Filter by name').fill('smith');
		await page.locator('input[value=smith]').check();
		await page.click(testid('begin'));
		await page.waitForSelector(`${room('direct-smith')}[aria-current=page]`);
		await page.click(testid('new-room-open'));
		for (const id of ['kobayashi', 'tanaka']) await page.locator(`input[value=${id}]`).check();
		assert.ok(await page.getByText('Includes a patient').isVisible());
		assert.ok(await page.isDisabled(testid('begin')));
		await page.getByLabel('Name of the group').fill('Discharge');
		await page.click(testid('begin'));
		await page.locator(`${testid('room-item')}[aria-current=page]`, { hasText: 'Discharge' }).waitFor();
	});

	test('a day leads to its first message', async () => {
		await start();
		await page.click(testid('jump-to-date'));
		await page
			.locator(`${testid('popover')} [data-today]`)
			.first()
			.click();
		await page.waitForFunction(() => document.activeElement?.dataset.testid === 'message');
	});

	test('the largest text still fits', async () => {
		page = await browser.page('lang=ja', { width: 900, height: 600 });
		await page.click(testid('settings'));
		await page.getByLabel('特大').check();
		await page.waitForSelector('html[data-text=largest]');
		await page.goBack();
		await openRoom(page, 'patient-tanaka');
		await assertAccessible(page);
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
