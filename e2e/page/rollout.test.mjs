/** What an organisation decides, and how a new computer comes to its server. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, openRoom, testid } from './scene.mjs';

describe('rolling out', { timeout: 240_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const calls = (name) =>
		page.evaluate(
			(name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).map((call) => call.input),
			name
		);

	test('settings that the organisation has decided are shown as such and cannot be changed', async () => {
		page = await browser.page('lang=en&policy=managed');
		await page.click(testid('settings'));
		for (const key of ['notificationPrivacy', 'autostart', 'lockAfterMinutes', 'proxy', 'caFile']) {
			await page.locator(testid(`managed-${key}`), { hasText: 'Set by your organisation' }).waitFor();
		}
		for (const input of [
			'[type=radio][value=content]',
			testid('autostart'),
			testid('lock-after'),
			'[name=proxy]',
			'[name=caFile]'
		]) {
			assert.equal(await page.locator(input).isDisabled(), true, input);
		}
		assert.equal(await page.locator(testid('close-to-tray')).isDisabled(), false, 'the rest is the person’s');
		await assertAccessible(page);
	});

	test('the decided server is the one that is signed in to, and no other can be entered', async () => {
		page = await browser.page('lang=en&state=signin&policy=managed');
		assert.equal(await page.inputValue('[name=server]'), 'https://chat.hospital.example.jp');
		assert.equal(await page.isDisabled('[name=server]'), true);
		await page.fill('[name=username]', 'sato');
		await page.fill('[name=password]', 'right');
		await page.keyboard.press('Enter');
		await page.waitForSelector('nav');
		assert.equal((await calls('signIn')).at(-1).server, 'https://chat.hospital.example.jp');
	});

	test('the connection is tested in words: what answers, or what is in the way and what to do', async () => {
		page = await browser.page('lang=en&state=signin');
		await page.click(testid('server-test'));
		await page.locator(testid('server-found'), { hasText: 'https://chat.hospital.example.jp answers.' }).waitFor();
		const words = {
			hostNotFound: 'There is no server of this name.',
			connectionRefused: 'takes no connection',
			untrustedCertificate: 'certificate cannot be trusted',
			proxyUnreachable: 'The proxy that is set cannot be reached.',
			proxyRefused: 'does not let this connection through',
			notAChatServer: 'does not seem to be a HugMeDo Chat server',
			serverTooOld: 'too old for this app'
		};
		for (const [code, said] of Object.entries(words)) {
			await page.evaluate((code) => globalThis.fakeBackend.failNext('checkServer', code), code);
			await page.click(testid('server-test'));
			await page.locator('.error', { hasText: said }).first().waitFor();
			assert.equal(await page.textContent(testid('server-found')), '', 'nothing was found');
		}
		await assertAccessible(page);
	});

	test('a sign-in that does not reach the server says why', async () => {
		page = await browser.page('lang=en&state=signin');
		await page.fill('[name=password]', 'right');
		await page.evaluate(() => {
			globalThis.fakeBackend.failNext('signIn', 'unreachable');
			globalThis.fakeBackend.failNext('checkServer', 'hostNotFound');
		});
		await page.keyboard.press('Enter');
		await page.locator('.error', { hasText: 'There is no server of this name.' }).first().waitFor();
	});

	test('a server that a link names is used only if the person says so', async () => {
		page = await browser.page('lang=en&state=signin');
		const offer = (server) =>
			page.evaluate((server) => globalThis.fakeBackend.publish({ kind: 'serverOffered', server }), server);
		await offer('https://evil.example');
		await page.getByText('A link names this server: https://evil.example').waitFor();
		await assertAccessible(page);
		await page.click(testid('server-leave'));
		assert.equal(await page.inputValue('[name=server]'), 'chat.hospital.example.jp');
		await offer('https://new.example.jp');
		await page.click(testid('server-take'));
		await page.waitForFunction(() => document.querySelector('[name=server]').value === 'https://new.example.jp');
		assert.deepEqual(await calls('signIn'), [], 'that is all it does');
	});

	test('a link changes no server while someone is signed in, nor where the organisation has decided', async () => {
		for (const scene of ['lang=en', 'lang=en&state=signin&policy=managed']) {
			page = await browser.page(scene);
			await page.evaluate(() => globalThis.fakeBackend.publish({ kind: 'serverOffered', server: 'https://a.example' }));
			await page.waitForSelector(testid('server-offer'));
			assert.equal(await page.locator(testid('server-take')).count(), 0);
			await page.close();
		}
	});

	test('a newer version is looked for and changed to, but not while a call waits for an answer', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.click(testid('update-look'));
		await page.getByText('Version 0.2.0 is ready.').waitFor();
		await page.click(testid('update-begin'));
		await page.waitForFunction(() => globalThis.fakeBackend.calls.some((call) => call.name === 'beginNewer'));
		await page.evaluate(() => globalThis.fakeBackend.setUpdate({ state: 'ready', version: '0.2.0', callOpen: true }));
		await page.click('a[href="/rooms"]');
		await page.click(testid('settings'));
		await page.getByText('while an urgent message waits for an answer').waitFor();
		assert.equal(await page.isDisabled(testid('update-begin')), true);
	});

	test('where the organisation or the package manager brings newer versions, the app says so and looks for none', async () => {
		page = await browser.page('lang=en&policy=managed');
		for (const [state, words] of [
			['off', 'Your organisation’s administrator brings updates.'],
			['elsewhere', 'Updates come with the system’s packages']
		]) {
			await page.evaluate((state) => globalThis.fakeBackend.setUpdate({ state, callOpen: false }), state);
			await page.click(testid('settings'));
			await page.locator(testid('update-state'), { hasText: words }).waitFor();
			await page.waitForSelector(testid('managed-updates'));
			assert.equal(await page.locator(testid('update-look')).count(), 0, state);
			await page.click('a[href="/rooms"]');
		}
		assert.deepEqual(await calls('lookForUpdate'), []);
	});

	test('a version that could not be fetched or put in place is said to have failed, and may be looked for again', async () => {
		page = await browser.page('lang=en');
		await page.evaluate(() => globalThis.fakeBackend.setUpdate({ state: 'failed', callOpen: false }));
		await page.click(testid('settings'));
		await page.locator(testid('update-state'), { hasText: 'Nothing was changed.' }).waitFor();
		assert.equal(await page.locator(testid('update-begin')).count(), 0);
		await page.click(testid('update-look'));
		await page.getByText('Version 0.2.0 is ready.').waitFor();
	});

	test('a change that failed is said at once, and the version no longer to be ready', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		await page.click(testid('update-look'));
		await page.evaluate(() => globalThis.fakeBackend.failNext('beginNewer', 'internal'));
		await page.click(testid('update-begin'));
		await page.getByRole('alert').waitFor();
		await page.locator(testid('update-state'), { hasText: 'Nothing was changed.' }).waitFor();
		assert.equal(await page.locator(testid('update-begin')).count(), 0);
	});

	test('signing out stands where it stood, whatever is known of updates', async () => {
		for (const [width, lang] of [
			[1180, 'en'],
			[720, 'ja']
		]) {
			page = await browser.page(`lang=${lang}`, { width });
			const places = new Set();
			for (const state of ['unknown', 'newest', 'failed', 'ready', 'off', 'elsewhere']) {
				const update = { state, callOpen: state === 'ready', ...(state === 'ready' && { version: '0.2.0' }) };
				await page.evaluate((update) => globalThis.fakeBackend.setUpdate(update), update);
				await page.click(testid('settings'));
				await page.waitForSelector(`${testid('update-state')}[data-state=${state}]`);
				const topOf = (selector) => page.locator(selector).evaluate((element) => element.getBoundingClientRect().top);
				places.add(Math.round((await topOf(testid('sign-out'))) - (await topOf(testid('update-state')))));
				await page.click('a[href="/rooms"]');
			}
			assert.equal(places.size, 1, `${width} ${lang}: ${[...places].join(', ')}`);
			await page.close();
		}
	});

	test('all data is removed after a question, which says what is lost', async () => {
		page = await browser.page('lang=en&state=waiting');
		await page.click(testid('settings'));
		await page.click(testid('remove-data'));
		await page.locator(testid('remove-dialog'), { hasText: 'not been sent will be lost' }).waitFor();
		await assertAccessible(page);
		await page.keyboard.press('Escape');
		assert.deepEqual(await calls('removeEverything'), [], 'nothing by asking');
		await page.click(testid('remove-data'));
		await page.click(testid('remove-confirm'));
		await page.waitForFunction(() => globalThis.fakeBackend.calls.some((call) => call.name === 'removeEverything'));
	});

	test('a conversation is saved as a file, unless the organisation does not allow it', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.click(testid('room-info-open'));
		await page.click(testid('save-conversation'));
		await page.getByText('Saved', { exact: true }).waitFor();
		assert.deepEqual(await calls('saveConversation'), ['general']);
		await page.close();
		page = await browser.page('lang=en&policy=managed');
		await openRoom(page, 'general');
		await page.click(testid('room-info-open'));
		assert.equal(await page.isDisabled(testid('save-conversation')), true);
		await page.waitForSelector(testid('managed-exportConversations'));
		await assertAccessible(page);
	});

	test('a policy that cannot be followed is told with its key and what to do, before and after signing in', async () => {
		for (const scene of ['lang=en&state=signin&policy=broken', 'lang=en&policy=broken']) {
			page = await browser.page(scene);
			await page.waitForSelector(testid('policy-problems'));
			await page.getByText('“lockAfterMinuts”: There is no key of this name.').waitFor();
			await assertAccessible(page);
			await page.close();
		}
	});
});
