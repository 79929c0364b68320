/** Moving through a long room, and what does not move there, in Chromium. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { inSight, openBusy, openRoom, room, settled, talkOn, testid } from './scene.mjs';

describe('reading', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());
	const { make, message } = talkOn(() => page);

	test('a quote leads far up, loads both ways from there, and the way back is one press', async () => {
		page = await openBusy(browser);
		await message('了解。五分粥').locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		assert.match(await message('経過は良さそう').getAttribute('class'), /./);
		await page.click(testid('latest'));
		await message('伺います').waitFor();
		await page.waitForSelector(testid('latest'), { state: 'detached' });
	});

	test('where nothing of a place is here, the room stays as it is and says so; it is never said to be empty', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await make('setOnline', false);
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'm-general-5' })
		);
		await page.getByText('Messages could not be loaded').waitFor();
		assert.ok((await page.locator(testid('message')).count()) > 3);
		assert.equal(await page.getByText('No messages yet').count(), 0);
		await make('setOnline', true);
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
	});

	test('a link to a message that is nowhere says so', async () => {
		page = await browser.page('lang=en');
		await page.waitForSelector(room('general'));
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'nowhere' })
		);
		await page.getByText('The message could not be found').waitFor();
	});

	test('arrows go on from what is in view when the chosen row is far away', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'm-general-5' })
		);
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		await settled(page);
		await page.keyboard.press('End');
		await page.locator(`${testid('message')}[data-key=m-general-128]`).waitFor();
		await settled(page);
		await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => Number(document.activeElement?.dataset.key?.split('-').at(-1)) > 100);
	});

	test('nothing moves for who reads further up while messages, answers and reactions arrive', async () => {
		page = await browser.page('lang=ja&state=busy');
		await openRoom(page, 'general');
		const worst = await page.evaluate(async () => {
			const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
			const settle = async (frames = 12) => {
				for (let count = 0; count < frames; count++) await frame();
			};
			const scroller = document.querySelector('[data-testid=timeline]');
			await settle();
			scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight - 900;
			await settle();
			const top = scroller.getBoundingClientRect().top;
			const anchor = [...document.querySelectorAll('[data-testid=message]')].find(
				(row) => row.getBoundingClientRect().top > top
			);
			const [key, before] = [anchor.dataset.key, anchor.getBoundingClientRect().top];
			let worst = 0;
			for (let count = 0; count < 120; count++) {
				const row = fakeBackend.receive('general', 'suzuki', `経過 ${count}\n`.repeat((count % 5) + 1));
				fakeBackend.react('general', row.id, 'yamada', '👍');
				await frame();
				await frame();
				const now = document.querySelector(`[data-key="${key}"]`).getBoundingClientRect().top;
				worst = Math.max(worst, Math.abs(now - before));
			}
			return worst;
		});
		assert.ok(worst <= 1, `moved by ${worst} px`);
		assert.match(await page.innerText(testid('latest')), /1[23]\d/);
	});

	test('down again after a jump, rows come below without moving what one reads, and stay few', async () => {
		page = await browser.page('lang=ja');
		await page.evaluate(async () => {
			for (let count = 0; count < 600; count++)
				fakeBackend.receive('general', 'suzuki', `経過 ${count}\n`.repeat((count % 4) + 1));
			await fakeBackend.markRead('general', 10_000);
			fakeBackend.receive('general', 'suzuki', 'お返事です', {
				replyTo: { messageId: 'm-general-5', seq: 5, authorName: '鈴木 健一', preview: '経過', deleted: false }
			});
		});
		await openRoom(page, 'general');
		await message('お返事').locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		const { worst, reached } = await page.evaluate(async () => {
			const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
			const scroller = document.querySelector('[data-testid=timeline]');
			let [worst, reached] = [0, 0];
			for (let step = 0; step < 500 && reached < 700; step++) {
				scroller.scrollTop += 240;
				await frame();
				await frame();
				const top = scroller.getBoundingClientRect().top;
				const rows = [...document.querySelectorAll('[data-testid=message]')];
				const anchor = rows.find((row) => row.getBoundingClientRect().top > top);
				const [key, before] = [anchor.dataset.key, anchor.getBoundingClientRect().top];
				await frame();
				await frame();
				const same = document.querySelector(`[data-key="${key}"]`);
				if (same) worst = Math.max(worst, Math.abs(same.getBoundingClientRect().top - before));
				reached = Number(rows.at(-1).dataset.key.split('-').at(-1));
			}
			return { worst, reached };
		});
		assert.ok(reached >= 700, `came to ${reached}`);
		assert.ok(worst <= 1, `moved by ${worst} px`);
	});

	test('a new message is told to a screen reader once, and history not at all', async () => {
		page = await browser.page('lang=ja');
		await openRoom(page, 'general');
		await page.evaluate(() => {
			globalThis.told = [];
			new MutationObserver(() => told.push(document.querySelector('[data-testid=announcement]').textContent)).observe(
				document.querySelector('[data-testid=announcement]'),
				{ childList: true, characterData: true, subtree: true }
			);
		});
		await page.waitForFunction(() => {
			// Again and again: until it has been opened, the list goes to its end by itself.
			document.querySelector('[data-testid=timeline]').scrollTop = 0;
			return fakeBackend.calls.some((call) => call.name === 'loadEarlier');
		});
		await make('receive', 'general', 'suzuki', '一度だけ');
		await page.waitForFunction(() => told.length > 0);
		await make('react', 'general', 'm-general-129', 'yamada', '👍');
		// Whatever the reaction would have set off is over when a later message has been told of.
		await make('receive', 'general', 'suzuki', '二通目');
		await page.waitForFunction(() => told.includes('鈴木 健一: 二通目'));
		// Word for word the same is told as well.
		await make('receive', 'general', 'suzuki', '二通目');
		await page.waitForFunction(() => told.length > 2);
		assert.deepEqual(await page.evaluate(() => told.map((text) => text.trim())), [
			'鈴木 健一: 一度だけ',
			'鈴木 健一: 二通目',
			'鈴木 健一: 二通目'
		]);
	});

	test('a long message that was unfolded is whole still after it was out of sight, and folded in another visit', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await make('receive', 'general', 'suzuki', `退院サマリー\n${'経過は良好です。\n'.repeat(60)}`);
		const long = message('退院サマリー');
		await (await inSight(page, long.getByRole('button', { name: 'Show all' }))).click();
		await long.getByRole('button', { name: 'Show less' }).waitFor();
		// As a person does: where the place is still being settled, that ends it.
		await page.hover(testid('timeline'));
		await page.mouse.wheel(0, -100_000);
		await long.waitFor({ state: 'detached' });
		await page.click(testid('latest'));
		await long.getByRole('button', { name: 'Show less' }).waitFor();
		await openRoom(page, 'support');
		await openRoom(page, 'general');
		await long.getByRole('button', { name: 'Show all' }).waitFor();
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
