/** What the window says of the connection, what waits for it, and how it is set. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { openRoom, room, tabTo, testid } from './scene.mjs';

describe('the connection', { timeout: 240_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const small = { width: 900, height: 600 };
	const item = (key) => `${testid('waiting-item')}[data-key=${key}]`;
	const openWaiting = async () => {
		await page.click(testid('waiting-entry'));
		await page.waitForSelector(testid('waiting-item'));
	};
	const focusIsIn = (selector) =>
		page.waitForFunction((wanted) => document.activeElement?.closest(wanted) !== null, selector);
	/** Lets something happen in the fake backend. */
	const let_ = (what, ...args) => page.evaluate(([name, args]) => globalThis.fakeBackend[name](...args), [what, args]);

	test('nothing tells of waiting while everything goes out at once', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'support');
		await page.fill(testid('composer'), 'gone in a moment');
		await page.evaluate((entry) => {
			globalThis.entries = 0;
			const watch = new MutationObserver(() => (globalThis.entries += document.querySelectorAll(entry).length));
			watch.observe(document.body, { childList: true, subtree: true });
		}, testid('waiting-entry'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${testid('message')}[data-delivery=sent]:has-text("gone in a moment")`);
		assert.equal(await page.evaluate(() => globalThis.entries), 0);
	});

	test('a message that waits offline is counted, told why, and goes out by itself while one looks', async () => {
		page = await browser.page('lang=en&state=offline');
		await openRoom(page, 'support');
		await page.fill(testid('composer'), 'waits for the network');
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${testid('waiting-entry')}[data-count="1"]`);
		await openWaiting();
		assert.match(await page.innerText(testid('waiting-why')), /^Offline since .* goes out by itself/);
		assert.equal(await page.getByRole('button', { name: /^Send again/ }).count(), 0, 'there is nothing to retry');

		await let_('setOnline', true);
		await page.getByText('Everything has been sent.').waitFor();
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('waiting'), { state: 'detached' });
		await page.waitForSelector(testid('waiting-entry'), { state: 'detached' });
	});

	test('by keyboard alone: open, send again, think better of deleting, delete, go to the room', async () => {
		page = await browser.page('lang=en&state=waiting');
		await page.waitForSelector(testid('waiting-entry'));
		await tabTo(page, testid('waiting-entry'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('waiting-item'));
		await focusIsIn(testid('waiting-close'));

		// Nothing behind can be reached.
		for (let presses = 0; presses < 30; presses++) {
			await page.keyboard.press('Tab');
			const where = await page.evaluate((waiting) => {
				const focused = document.activeElement;
				return focused === document.body || focused.closest(waiting) !== null;
			}, testid('waiting'));
			assert.ok(where, 'the focus stays in the window that is open');
		}

		const button = (key, name) => `${item(key)} button[aria-label^="${name}"]`;
		await tabTo(page, button('unsent-2', 'Delete'));
		await page.keyboard.press('Enter');
		await focusIsIn(button('unsent-2', 'Keep it'));
		await page.keyboard.press('Escape');
		await focusIsIn(button('unsent-2', 'Delete'));
		assert.ok(await page.isVisible(item('unsent-2')), 'Escape took back the question only');

		await page.keyboard.press('Enter');
		await focusIsIn(button('unsent-2', 'Keep it'));
		await page.keyboard.press('Shift+Tab');
		await page.keyboard.press('Enter');
		await page.waitForSelector(item('unsent-2'), { state: 'detached' });
		// Three are left after it; the focus is on the one in its place.
		await focusIsIn(item('unsent-3'));

		await tabTo(page, button('unsent-1', 'Send again'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(item('unsent-1'), { state: 'detached' });

		await page.evaluate(() => document.activeElement.closest('dialog') !== null || document.body.focus());
		await tabTo(page, button('unsent-4', 'Open in room'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('waiting'), { state: 'detached' });
		await page.waitForSelector(`${room('general')}[aria-current=page]`);
	});

	test('all that failed are sent again at once', async () => {
		page = await browser.page('lang=en&state=waiting');
		await page.getByText('2 of them could not be sent').waitFor();
		await openWaiting();
		await page.click(testid('waiting-retry-all'));
		for (const key of ['unsent-1', 'unsent-2']) await page.waitForSelector(item(key), { state: 'detached' });
		const calls = await page.evaluate(() => globalThis.fakeBackend.calls.filter(({ name }) => name === 'retryMessage'));
		assert.deepEqual(
			calls.map(({ input }) => input),
			['unsent-1', 'unsent-2']
		);
	});

	test('a limited connection says so and why, can be put away, and is told of again when it comes back', async () => {
		page = await browser.page('lang=ja&state=limited');
		await openRoom(page, 'general');
		assert.match(await page.innerText(testid('limit')), /入力中の表示はありません。.*WebSocket/);
		assert.equal(await page.getAttribute(testid('connection'), 'data-state'), 'limited');
		await page.click(testid('dismiss'));
		await page.waitForSelector(testid('limit'), { state: 'detached' });
		assert.match(
			await page.getAttribute(testid('connection'), 'title'),
			/WebSocket.*\n最終確認/s,
			'it can still be read'
		);

		await let_('setOnline', true);
		await page.waitForSelector(`${testid('connection')}[data-state=live]`);
		const limited = { state: 'limited', since: new Date().toISOString(), reason: 'webSocketBlocked' };
		await let_('publish', { kind: 'connectionChanged', connection: limited });
		await page.waitForSelector(testid('limit'));
	});

	test('a connection that was given up says that nothing happens by itself, and is taken up by a press', async () => {
		page = await browser.page('lang=en&state=stopped');
		await openRoom(page, 'general');
		const banner = page.locator('[role=status]', { has: page.locator(testid('reconnect')) });
		assert.match(await banner.innerText(), /Reconnecting has stopped/);
		assert.doesNotMatch(await banner.innerText(), /by themselves/);
		await page.click(testid('reconnect'));
		await page.waitForSelector(`${testid('connection')}[data-state=live]`);
	});

	test('progress shows its numbers, and tells a screen reader only that it is going on', async () => {
		page = await browser.page('lang=ja&state=history');
		await page.waitForSelector(testid('progress'));
		assert.match(await page.innerText(testid('progress')), /12,000 \/ 100,000件/);
		const told = () =>
			page.evaluate(() => [...document.querySelectorAll('[role=status]')].map((region) => region.innerText).join(' '));
		const before = await told();
		assert.match(before, /以前の履歴を取得中/);
		const since = new Date().toISOString();
		const progress = { fetched: 50_000, total: 100_000 };
		await let_('publish', { kind: 'connectionChanged', connection: { state: 'live', since, progress } });
		await page.getByText('50,000 / 100,000件').waitFor();
		assert.equal(await told(), before);
		await let_('publish', { kind: 'connectionChanged', connection: { state: 'live', since } });
		await page.waitForSelector(testid('progress'), { state: 'detached' });
	});

	test('a proxy can be set before signing in; what is refused is said at its field and changes nothing', async () => {
		page = await browser.page('lang=en&state=signin', small);
		await page.waitForSelector(testid('sign-in-form'));
		await tabTo(page, 'summary');
		await page.keyboard.press('Enter');
		await tabTo(page, '[name=proxy]');
		await page.keyboard.type('proxy.example.jp');
		await page.keyboard.press('Enter');
		const proxy = page.locator('[name=proxy][aria-invalid=true]');
		await proxy.waitFor();
		const told = await proxy.getAttribute('aria-describedby');
		assert.match(await page.innerText(`[id="${told}"]`), /This proxy address cannot be used/);
		await focusIsIn('[name=proxy]');
		const settings = () =>
			page.evaluate(async () => (await globalThis.fakeBackend.subscribe(() => {})).preferences.connection);

		await page.fill('[name=proxy]', 'http://proxy.example.jp:8080');
		await page.fill('[name=reconnectionDelayMs]', '0');
		await page.click(testid('connection-save'));
		await page.waitForSelector('[name=reconnectionDelayMs][aria-invalid=true]');
		await page.fill('[name=reconnectionDelayMs]', '2');
		await page.keyboard.press('Enter');
		await page.getByText('Saved. It is used from the next connection on.').waitFor();
		const saved = await settings();
		assert.equal(saved.proxy, 'http://proxy.example.jp:8080');
		assert.equal(saved.reconnectionDelayMs, 2_000);
	});

	test('the settings go back to what the app came with once that is saved', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.fill('[name=caFile]', '/etc/hospital.pem');
		await page.click(testid('connection-save'));
		await page.getByText('Saved. The app is connecting again with it.').waitFor();
		await page.click(testid('connection-reset'));
		assert.equal(await page.inputValue('[name=caFile]'), '');
		await page.getByText('Not saved yet').waitFor();
		await page.click(testid('connection-save'));
		await page.getByText('Saved. The app is connecting again with it.').waitFor();
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
