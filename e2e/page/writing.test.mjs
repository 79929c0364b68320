/** What a writer can do, and take back, in Chromium. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, openBusy, openRoom, room, stopClock, talkOn, testid } from './scene.mjs';

describe('writing', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());
	const { calls, message } = talkOn(() => page);

	test('an @ offers members, whose name is found by latin letters too, and tells them', async () => {
		page = await browser.page('lang=ja');
		await openRoom(page, 'general');
		await page.focus(testid('composer'));
		await page.keyboard.type('@yam');
		await page.waitForSelector(testid('mentions'));
		await page.keyboard.press('Enter');
		assert.equal(await page.inputValue(testid('composer')), '@山田 さくら ');
		await page.keyboard.type('お願いします');
		await page.keyboard.press('Enter');
		await message('お願いします').waitFor();
		assert.deepEqual((await calls('sendMessage')).at(-1).mentions, ['yamada']);
	});

	test('urgent asks whom it will alert, and holds for one message', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.click(testid('urgent'));
		await page.fill(testid('composer'), 'come now');
		await page.keyboard.press('Enter');
		const dialog = page.locator(testid('urgent-dialog'));
		assert.match(await dialog.innerText(), /鈴木 健一[\s\S]*山田 さくら/);
		assert.deepEqual(await calls('sendMessage'), []);
		await assertAccessible(page);
		await page.click(testid('urgent-yes'));
		await message('come now').waitFor();
		assert.equal((await calls('sendMessage')).at(-1).priority, 'urgent');
		assert.equal(await page.getAttribute(testid('urgent'), 'aria-pressed'), 'false');
	});

	test('the key that asks whether it is urgent does not answer, pressed twice', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.click(testid('urgent'));
		await page.fill(testid('composer'), 'come now');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('urgent-dialog'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('urgent-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('sendMessage'), []);
		assert.equal(await page.inputValue(testid('composer')), 'come now');
	});

	test('what is said where a patient reads is taken back by a key and from the palette', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'patient-tanaka');
		await stopClock(page);
		const written = (text) =>
			page.waitForFunction((text) => document.querySelector('[data-testid=composer]')?.value === text, text);
		const say = async () => {
			await page.focus(testid('composer'));
			await page.keyboard.press('Enter');
			await page.waitForSelector(testid('held'));
		};
		await page.fill(testid('composer'), 'meant for the ward');
		await say();
		await page.keyboard.press('Control+z');
		await written('meant for the ward');
		await say();
		await page.click(room('general'));
		await page.waitForSelector(`${room('general')}[aria-current=page]`);
		await page.keyboard.press('Control+k');
		await page.locator(`${testid('palette')} input`).fill('undo sending');
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${room('patient-tanaka')}[aria-current=page]`);
		await written('meant for the ward');
		assert.deepEqual(await calls('sendMessage'), []);
	});

	test('a conversion that is given up by Escape leaves the edit alone', async () => {
		page = await openBusy(browser);
		await page.focus(testid('composer'));
		await page.keyboard.press('ArrowUp');
		await page.waitForSelector(testid('composer-mode'));
		const escape = (init) =>
			page.evaluate(
				(init) =>
					document.activeElement.dispatchEvent(
						new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true, ...init })
					),
				init
			);
		for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
			await escape(init);
			assert.equal(await page.locator(testid('composer-mode')).count(), 1);
		}
		await escape({});
		await page.waitForSelector(testid('composer-mode'), { state: 'detached' });
		await page.click(testid('emoji'));
		await page.waitForSelector(testid('emoji-search'));
		await page.focus(testid('emoji-search'));
		await escape({ isComposing: true });
		assert.equal(await page.locator(testid('emoji-search')).count(), 1);
		await escape({});
		await page.waitForSelector(testid('emoji-search'), { state: 'detached' });
	});

	test('what is said where a patient reads can be taken back, and goes out by itself otherwise', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'patient-tanaka');
		const pass = await stopClock(page);
		await page.fill(testid('composer'), 'meant for the ward');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('held'));
		assert.match(await page.innerText(testid('held')), /田中 花子さん.*where a patient reads/);
		await assertAccessible(page);
		await page.click(room('general'));
		await page.click(testid('undo'));
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]')?.value === 'meant for the ward');
		assert.deepEqual(await calls('sendMessage'), []);
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('held'));
		await pass(5_000);
		await message('meant for the ward').waitFor();
		await page.waitForSelector(testid('held'), { state: 'detached' });
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
