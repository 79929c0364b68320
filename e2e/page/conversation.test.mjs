/** What can be done with messages, in Chromium. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { inSight, openBusy, openRoom, room, tabTo, talkOn, testid } from './scene.mjs';

describe('the conversation', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());
	const { calls, focusIsIn, make, message, press } = talkOn(() => page);

	test('a message is shown as it was written, and its markup as elements', async () => {
		page = await openBusy(browser);
		// All of them are drawn.
		await page.setViewportSize({ width: 1180, height: 1600 });
		await message('502号室の血圧').waitFor();
		const urgent = message('502号室の血圧');
		assert.equal(await urgent.locator('.bubble strong', { hasText: '至急' }).count(), 1);
		assert.deepEqual(await urgent.locator('li').allInnerTexts(), ['-\n収縮期 82', '-\n脈拍 118']);
		assert.equal(await urgent.locator('.mention').innerText(), '@佐藤 恵');
		assert.match(
			await message('手順は').innerText(),
			/手順はこちらです https:\/\/intranet\S+ を見てください。用量は 2\*3\*4 mg のままです。/
		);
		assert.match(await message('Na 138').locator('pre').innerText(), /Na 138\nK {2}4\.1\nCl 102/);
		assert.equal(await page.getByText('This message has nothing that can be shown').count(), 1);
		assert.equal(await page.getByText('This message was withdrawn').count(), 1);
	});

	test('a message is marked as unread: the room is left, and opens there again', async () => {
		page = await openBusy(browser);
		const badge = page.locator(`${room('general')} .badge`);
		await badge.waitFor({ state: 'detached' });
		await press('Na 138', 'u');
		await page.waitForURL((url) => url.pathname === '/rooms');
		assert.match(await badge.innerText(), /^2/);
		await page.getByText('Choose a room').waitFor();
		await openRoom(page, 'general');
		await page.waitForSelector(testid('divider'));
		await badge.waitFor({ state: 'detached' });
	});

	test('a link is opened by the host, and nothing else happens in the window', async () => {
		page = await openBusy(browser);
		const before = page.url();
		await (await inSight(page, message('手順は').locator('a'))).click();
		assert.deepEqual(await calls('openLink'), ['https://intranet.hospital.example.jp/steps?id=12']);
		assert.equal(page.url(), before);
	});

	test('a link that the system does not open is said to be such', async () => {
		page = await openBusy(browser);
		await make('failNext', 'openLink', 'internal');
		await (await inSight(page, message('手順は').locator('a'))).click();
		await page.waitForSelector(testid('link-failed'));
		await message('手順は').locator('a').click();
		await page.waitForSelector(testid('link-failed'), { state: 'detached' });
	});

	test('by keyboard alone: to a message, answer it, and back up to what was answered', async () => {
		page = await openBusy(browser);
		await tabTo(page, testid('timeline'));
		await page.keyboard.press('ArrowUp');
		await focusIsIn(testid('message'));
		for (let presses = 0; presses < 4; presses++) await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => document.activeElement?.textContent?.includes('了解。五分粥'));
		await page.keyboard.press('r');
		await focusIsIn(testid('composer'));
		await page.keyboard.type('分かりました');
		await page.keyboard.press('Enter');
		const answer = message('分かりました');
		await answer.locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-1005');
		const sent = (await calls('sendMessage')).at(-1);
		assert.equal(sent.replyTo, 'm-general-1005');
	});

	test('an edit begins with arrow up, keeps the draft, and is marked', async () => {
		page = await openBusy(browser);
		await page.focus(testid('composer'));
		await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '今から伺います。');
		await page.keyboard.press('End');
		await page.keyboard.type('5分後です。');
		await page.keyboard.press('Enter');
		await message('今から伺います。5分後です。').getByText('edited').waitFor();
		assert.equal(await page.inputValue(testid('composer')), '');
	});

	test('withdrawing asks first, and Escape thinks better of it', async () => {
		page = await openBusy(browser);
		await press('伺います', 'Delete');
		await page.waitForSelector(testid('delete-dialog'));
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('delete-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('deleteMessage'), []);
		await focusIsIn(testid('message'));
		await page.keyboard.press('Delete');
		await page.click(testid('delete-yes'));
		await page.waitForSelector(`${testid('message')}[data-key=m-general-1009]:has-text("withdrawn")`);
	});

	test('a reaction is put from the menu, and taken away by its own press', async () => {
		page = await openBusy(browser);
		await message('了解。五分粥').click({ button: 'right' });
		await page.getByRole('menuitem', { name: /React/ }).click();
		await page.locator(testid('popover')).getByRole('button', { name: 'clapping' }).click();
		const mine = message('了解。五分粥').locator(testid('reaction'));
		await mine.waitFor();
		assert.equal(await mine.getAttribute('aria-pressed'), 'true');
		await (await inSight(page, mine)).click();
		await mine.waitFor({ state: 'detached' });
	});

	test('a text is copied by a key, and said to be', async () => {
		page = await openBusy(browser);
		await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
		await press('Na 138', 'c');
		await page.getByText('Copied').first().waitFor();
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '```\nNa 138\nK  4.1\nCl 102\n```');
	});

	test('each copy is told, not only the first', async () => {
		page = await openBusy(browser);
		await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
		await page.evaluate((region) => {
			globalThis.told = 0;
			new MutationObserver(() => told++).observe(document.querySelector(region), {
				childList: true,
				characterData: true,
				subtree: true
			});
		}, testid('copied'));
		await press('Na 138', 'c');
		await page.waitForFunction(() => told === 1);
		await press('Na 138', 'c');
		await page.waitForFunction(() => told === 2);
	});

	test('a message that failed is given up only when one is sure, and what fails is said', async () => {
		page = await browser.page('lang=en&state=waiting');
		const failed = (await page.evaluate(() => globalThis.fakeBackend.unsentMessages())).find(
			(row) => row.delivery === 'failed'
		);
		await openRoom(page, failed.roomId);
		const row = page.locator(`${testid('message')}[data-key=${failed.key}]`);
		const discard = async () => {
			await (await inSight(page, row.getByRole('button', { name: 'Discard' }))).click();
			await page.waitForSelector(testid('discard-dialog'));
		};
		await discard();
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('discard-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('discardMessage'), []);
		await make('failNext', 'discardMessage', 'storeFailed');
		await discard();
		await page.click(testid('discard-yes'));
		await page.waitForSelector(testid('action-problem'));
		await make('failNext', 'retryMessage', 'diskFull');
		await row.getByRole('button', { name: 'Send again' }).click();
		await page.locator(testid('action-problem'), { hasText: 'disk' }).waitFor();
		await discard();
		await page.click(testid('discard-yes'));
		await row.waitFor({ state: 'detached' });
	});

	test('a message is forwarded to a room that is found by its name, and said again there', async () => {
		page = await openBusy(browser);
		await press('了解。五分粥', 'f');
		await page.waitForSelector(testid('forward-dialog'));
		await page.getByLabel('Filter rooms').last().fill('サポート');
		assert.equal(await page.locator(`${testid('forward-dialog')} li button`).count(), 1);
		await page.locator(`${testid('forward-dialog')} li button`).click();
		await page.locator(`${room('support')}:has-text("了解。五分粥")`).waitFor();
		assert.equal((await calls('sendMessage')).at(-1).roomId, 'support');
	});

	test('the details tell whom a message reached, who read it, and who took it on', async () => {
		page = await openBusy(browser);
		await press('伺います', 'i');
		const dialog = page.locator(testid('details-dialog'));
		await dialog.getByText('How far it has come').waitFor();
		assert.match(await dialog.innerText(), /鈴木 健一\s+Read[\s\S]*山田 さくら\s+On their device/);
		await page.keyboard.press('Escape');
		await (await inSight(page, page.locator(testid('acknowledge')))).click();
		await press('502号室の血圧', 'i');
		await dialog.getByText(/佐藤 恵/).waitFor();
		assert.match(await dialog.innerText(), /佐藤 恵\s+Taken on/);
	});

	test('what is urgent is taken on by a press, and shows who did', async () => {
		page = await openBusy(browser);
		await (await inSight(page, page.locator(testid('acknowledge')))).click();
		await page.getByText('Taken on by 佐藤 恵').waitFor();
		assert.equal(await page.locator(testid('acknowledge')).count(), 0);
	});

	test('a message that cannot be changed now says why', async () => {
		page = await openBusy(browser);
		await make('setOnline', false);
		await press('了解。五分粥', '+');
		await page.locator(testid('popover')).getByRole('button', { name: 'clapping' }).click();
		await page.waitForSelector(testid('action-problem'));
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
