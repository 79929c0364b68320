/** A second factor: signing in with it, setting it up when it is required, and in the settings. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, tabTo, testid } from './scene.mjs';

describe('a second factor', { timeout: 120_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const field = (name) => `${testid('sign-in-form')} input[name=${name}]`;
	const focused = (name) =>
		page.waitForFunction((wanted) => document.activeElement?.getAttribute('name') === wanted, name);

	async function enterPassword(scene) {
		page = await browser.page(scene);
		await page.fill(field('server'), 'chat.example.jp');
		await page.fill(field('username'), 'sato');
		await page.fill(field('password'), 'secret');
		assert.equal(await page.locator(field('code')).count(), 0, 'nobody is asked for a code before the server asks');
		await page.press(field('password'), 'Enter');
		await focused('code');
	}

	for (const [language, asked, refused] of [
		['ja', '認証アプリの確認コードを入力してください', 'このコードは使えません'],
		['en', 'Enter the code your authenticator app shows', 'This code does not work']
	]) {
		test(`by keyboard alone the code is asked for, a wrong one said so, and the right one lets in (${language})`, async () => {
			await enterPassword(`lang=${language}&state=otp`);
			await page.getByRole('alert').filter({ hasText: asked }).waitFor();
			await page.keyboard.type('000000');
			await page.keyboard.press('Enter');
			await page.getByRole('alert').filter({ hasText: refused }).waitFor();
			await focused('code');
			assert.equal(await page.inputValue(field('code')), '', 'the next code is typed at once');
			assert.equal(await page.getAttribute(field('code'), 'aria-invalid'), 'true');
			assert.equal(await page.inputValue(field('password')), 'secret', 'and the password is not asked for again');
			await page.keyboard.type('123456');
			await page.keyboard.press('Enter');
			await page.waitForSelector(testid('room-item'));
		});
	}

	test('another account is not asked for the code of this one', async () => {
		await enterPassword('lang=en&state=otp');
		await page.fill(field('username'), 'suzuki');
		await page.waitForSelector(field('code'), { state: 'detached' });
		assert.equal(await page.getByRole('button', { name: 'Sign in' }).isEnabled(), true);
	});

	test('where it is required and missing, it is set up by keyboard alone before one signs in', async () => {
		page = await browser.page('lang=ja&state=otp-setup');
		await page.fill(field('server'), 'chat.example.jp');
		await page.fill(field('username'), 'sato');
		await page.fill(field('password'), 'secret');
		await page.press(field('password'), 'Enter');
		const setUp = testid('second-factor-set-up');
		await page.waitForSelector(`${setUp} svg[role=img]`);
		await focused('code');
		await assertAccessible(page);
		assert.match(await page.innerText(testid('second-factor-secret')), /^([A-Z2-7]{4} ?)+$/);
		await page.keyboard.type('000000');
		await page.keyboard.press('Enter');
		await page.getByRole('alert').filter({ hasText: 'このコードは使えません' }).waitFor();
		await focused('code');
		await page.keyboard.type('123456');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('recovery-codes'));
		assert.equal(await page.locator(`${testid('recovery-codes')} li`).count(), 10);
		await assertAccessible(page);
		await tabTo(page, testid('recovery-kept'));
		await page.keyboard.press('Enter');
		await focused('code');
		await page.keyboard.type('123456');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('room-item'));
	});

	test('in the settings it is set up with the password and removed with a code', async () => {
		page = await browser.page('lang=en&theme=dark');
		await page.click(testid('settings'));
		const settings = page.locator(testid('second-factor'));
		await page.click(testid('second-factor-begin'));
		await focused('current-password');
		await page.keyboard.type('wrong');
		await page.keyboard.press('Enter');
		await settings.getByRole('alert').filter({ hasText: 'is not right' }).waitFor();
		await settings.locator('[name=current-password]').fill('secret');
		await page.keyboard.press('Enter');
		await focused('code');
		await page.keyboard.type('123456');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('recovery-codes'));
		await page.click(testid('recovery-kept'));
		await settings.getByText('10 recovery codes are left.').waitFor();
		await assertAccessible(page);

		await settings.getByRole('button', { name: 'Remove' }).click();
		await settings.locator('[name=current-password]').fill('secret');
		await settings.locator('[name=code]').fill('000000');
		await page.keyboard.press('Enter');
		await settings.getByRole('alert').filter({ hasText: 'does not work' }).waitFor();
		await settings.locator('[name=code]').fill('123456');
		await page.keyboard.press('Enter');
		await settings.getByText('Second factor removed').waitFor();
		await settings.getByRole('button', { name: 'Set up' }).waitFor();
	});

	test('a lost device is signed out in the settings, after a question', async () => {
		page = await browser.page('lang=en');
		await page.click(testid('settings'));
		const devices = page.locator(testid('device'));
		await devices.filter({ hasText: 'This computer' }).waitFor();
		assert.equal(await page.locator(testid('device-revoke')).count(), 1, 'not this computer: that is signing out');
		await page.click(testid('device-revoke'));
		await page.click(testid('device-revoke-sure'));
		await devices.filter({ hasText: 'its data is removed when it is next heard of' }).waitFor();
		await assertAccessible(page);
		const calls = await page.evaluate(() =>
			globalThis.fakeBackend.calls.filter((call) => call.name === 'revokeDevice')
		);
		assert.deepEqual(
			calls.map((call) => call.input),
			['ward']
		);
	});
});
