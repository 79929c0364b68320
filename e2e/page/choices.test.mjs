/** What a person keeps and chooses: templates, emoji by name, one's own status, what notifies and when. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { openRoom, testid } from './scene.mjs';

describe('choices', { timeout: 240_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const start = async (scene = 'lang=ja') => {
		page = await browser.page(scene);
		await openRoom(page, 'general');
	};
	const calls = (name) =>
		page.evaluate(
			(name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).map((call) => call.input),
			name
		);
	const preferences = async () => (await calls('setPreferences')).at(-1);
	const written = () => page.inputValue(testid('composer'));

	test('a template is called by / and its name, and takes the place of both', async () => {
		await start();
		await page.locator(testid('composer')).pressSequentially('/もう');
		assert.equal(await page.locator(testid('templates')).count(), 0, 'nothing begins so');
		await page.fill(testid('composer'), '');
		await page.locator(testid('composer')).pressSequentially('/申し');
		await page.waitForSelector(testid('templates'));
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value.startsWith('【申し送り】'));
		assert.deepEqual(await calls('sendMessage'), [], 'Enter chose and did not send');
	});

	test('a template is inserted where the caret is, found by what it says', async () => {
		await start();
		await page.fill(testid('composer'), '先生、');
		await page.click(testid('template'));
		await page.waitForSelector(testid('template-list'));
		await page.keyboard.type('伺い');
		await page.keyboard.press('Enter');
		await page.waitForFunction(() =>
			document.querySelector('[data-testid=composer]').value.includes('これから伺います')
		);
		assert.equal(await written(), '先生、承知しました。これから伺います。');
	});

	test('templates are added, and a deletion is taken back', async () => {
		await start();
		await page.click(testid('template'));
		await page.click(testid('templates-manage'));
		await page.click(testid('template-add'));
		await page.fill('[name=title]', '検温');
		assert.equal(await page.isDisabled(testid('template-save')), true, 'it needs a text');
		await page.fill('[name=content]', '検温をお願いします。');
		await page.click(testid('template-save'));
		await page.getByRole('button', { name: '検温を削除' }).click();
		await page.click(testid('template-undo'));
		await page.getByRole('button', { name: '検温を削除' }).waitFor();
		assert.equal((await calls('saveTemplates')).at(-1).at(-1).content, '検温をお願いします。');
	});

	test('an emoji is found by its name', async () => {
		await start();
		await page.click(testid('emoji'));
		await page.fill(testid('emoji-search'), 'にっこ');
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '😊');
	});

	test('one says how one can be reached, and cannot while nobody would hear it', async () => {
		await start('lang=en');
		await page.click(testid('own-status'));
		await page.click('[data-status=onCall]');
		await page.waitForSelector(`${testid('own-status')}[aria-label="Your status: On call"]`);
		assert.deepEqual(await calls('setStatus'), ['onCall']);
		await page.evaluate(() => globalThis.fakeBackend.setOnline(false));
		await page.click(testid('own-status'));
		await page.getByText('You can change it once you are connected').waitFor();
		assert.equal(await page.locator('[data-status=busy]').getAttribute('aria-disabled'), 'true');
	});

	test('a room of which one wants to hear nothing is not counted in the title', async () => {
		await start('lang=en');
		await openRoom(page, 'support');
		const title = () => page.title();
		const before = Number(/\d+/.exec(await title())?.[0] ?? 0);
		await page.evaluate(() => globalThis.fakeBackend.receive('general', 'suzuki', 'routine'));
		await page.waitForFunction((wanted) => document.title.startsWith(`(${wanted})`), before + 1);
		await page.evaluate(() => globalThis.fakeBackend.setRoomChoices('general', { pinned: false, notify: 'none' }));
		await page.waitForFunction((wanted) => document.title.startsWith(`(${wanted})`), before);
		await page.evaluate(() => globalThis.fakeBackend.receive('general', 'suzuki', 'now', { priority: 'urgent' }));
		await page.waitForFunction((wanted) => document.title.startsWith(`(${wanted})`), before + 1);
	});

	test('what of a room notifies is chosen in its details', async () => {
		await start('lang=en');
		await page.click(testid('room-info-open'));
		await page.selectOption(testid('room-notify'), 'mentions');
		await page.waitForFunction(() =>
			globalThis.fakeBackend.calls.some(
				(call) => call.name === 'setRoomChoices' && call.input.choices.notify === 'mentions'
			)
		);
	});

	test('a notification is tried, and what the system did with it is told with what to do', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.click(testid('notification-test'));
		await page.getByText('A notification was raised (gnome-shell 48.4)').waitFor();
		await page.evaluate(() => globalThis.fakeBackend.setNotificationTest({ kind: 'heldBack' }));
		await page.click(testid('notification-test'));
		await page.getByText('Switch off “do not disturb”').waitFor();
	});

	test('quiet hours and do not disturb are chosen, and ended', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.check(testid('quiet-hours'));
		await page.fill(testid('quiet-from'), '21:30');
		await page.waitForFunction(
			() =>
				globalThis.fakeBackend.calls.findLast((call) => call.name === 'setPreferences').input.quietHours?.from === 1290
		);
		await page.click(testid('disturb-hour'));
		await page.getByText('Only urgent messages notify until').waitFor();
		assert.ok(Date.parse((await preferences()).doNotDisturbUntil) > Date.now());
		await page.click(testid('disturb-end'));
		await page.getByText('Notifications are as usual').waitFor();
		assert.equal((await preferences()).doNotDisturbUntil, undefined);
	});

	test('data that was removed is told once, and nothing says that it was kept', async () => {
		await start('lang=en');
		await page.evaluate(() => {
			globalThis.fakeBackend.publish({ kind: 'sessionChanged', session: null, ended: 'revoked' });
			globalThis.fakeBackend.publish({ kind: 'troubleChanged', trouble: 'dataErased' });
		});
		await page.getByText('was removed from this computer').waitFor();
		assert.equal(await page.getByText('messages waiting to be sent').count(), 0);
		assert.equal(await page.locator(testid('room')).count(), 0);
	});

	test('whose work the app is made of is listed, with the terms', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.click(testid('licences'));
		const dialog = page.locator(testid('licences-dialog'));
		// What the product stands on, from each of the three places it comes from.
		for (const name of ['tokio', 'openssl-src', 'svelte']) {
			await dialog.getByRole('searchbox').fill(name);
			const entry = dialog.getByRole('button', { name: new RegExp(`^${name} \\d`) });
			await entry.click();
			assert.match(await dialog.locator('pre').textContent(), /permission|license/i);
			await entry.click();
		}
		await dialog.getByRole('searchbox').fill('nobody-made-this');
		await dialog.getByText('There is none of that name').waitFor();
	});

	test('a setting the system has nothing for is not offered', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.waitForSelector(testid('autostart'));
		assert.equal(await page.locator(testid('protect-from-capture')).count(), 0, 'on Linux');
		await page.addInitScript(() => Object.defineProperty(navigator, 'userAgent', { value: 'Mozilla/5.0 (Macintosh)' }));
		await page.reload();
		await page.click(testid('protect-from-capture'));
		await page.waitForFunction(() =>
			globalThis.fakeBackend.calls.some(
				(call) => call.name === 'setPreferences' && call.input.protectFromCapture === true
			)
		);
	});

	test('what every choice is until one makes it is said with it', async () => {
		page = await browser.page('lang=en');
		await page.addInitScript(() => Object.defineProperty(navigator, 'userAgent', { value: 'Mozilla/5.0 (Macintosh)' }));
		await page.reload();
		await page.click(testid('settings'));
		await page.waitForSelector(testid('protect-from-capture'));
		const [switches, unexplained] = await page.evaluate(() => {
			const switches = Array.from(document.querySelectorAll('main input[type=checkbox]'));
			const lists = Array.from(document.querySelectorAll('main fieldset'));
			const isExplained = (choice) =>
				choice.tagName === 'FIELDSET'
					? choice.querySelector('p')
					: / unless /.test(document.getElementById(choice.getAttribute('aria-describedby'))?.textContent);
			const without = [...switches, ...lists].filter((choice) => !isExplained(choice));
			return [switches.length, without.map((choice) => choice.dataset.testid ?? choice.textContent)];
		});
		assert.ok(switches >= 4, 'window, start, screenshots, quiet hours');
		assert.deepEqual(unexplained, []);
	});

	test('a setting is found by any of its words, in either width and kana', async () => {
		page = await browser.page('lang=ja');
		await page.click(testid('settings'));
		await page.waitForSelector(testid('settings-find'));
		const all = await page.locator('main .choices > *:visible').count();
		assert.ok(all > 8);
		const found = async (words) => {
			await page.fill(testid('settings-find'), words);
			return page.locator('main .choices > *:visible').allTextContents();
		};
		const [quiet, ...others] = await found('静かな時間');
		assert.match(quiet ?? '', /静かな時間/);
		assert.deepEqual(others, []);
		assert.match((await found('ぷろきし'))[0] ?? '', /プロキシ/);
		assert.deepEqual(await found('そのような設定はない'), []);
		await page.getByText('見つかりません').waitFor();
		assert.equal((await found('')).length, all);
	});

	test('diagnostics are read before they are copied or saved', async () => {
		await start('lang=en');
		await page.click(testid('settings'));
		await page.click(testid('diagnostics'));
		const text = await page.locator(`${testid('diagnostics-dialog')} pre`).textContent();
		assert.match(text, /^HugMeDo Chat /);
		assert.deepEqual(await calls('saveDiagnostics'), [], 'nothing is saved by being shown');
		await page.click(testid('save-diagnostics'));
		await page.locator(testid('diagnostics-dialog'), { hasText: 'The file was saved' }).waitFor();
		assert.deepEqual(await calls('saveDiagnostics'), [text], 'what was read is what is saved');
		await page.evaluate(() => globalThis.fakeBackend.failNext('saveDiagnostics', 'diskFull'));
		await page.click(testid('save-diagnostics'));
		await page.locator(`${testid('diagnostics-dialog')} [role=status]`, { hasText: 'disk' }).waitFor();
	});
});
