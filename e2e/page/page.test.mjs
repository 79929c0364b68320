/** Layout, keyboard and access of the interface in Chromium. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { openRoom as open, room, tabTo } from './scene.mjs';

describe('the interface', { timeout: 240_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const openRoom = (id) => open(page, id);

	test('earlier messages come above without moving what one reads', async () => {
		page = await browser.page('lang=ja');
		await openRoom('general');
		const drift = await page.evaluate(async () => {
			const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
			const scroller = document.querySelector('[data-testid=timeline]');
			const settle = async (frames = 20) => {
				for (let count = 0; count < frames; count++) await frame();
			};
			await settle();
			const asked = () => globalThis.fakeBackend.calls.filter((call) => call.name === 'loadEarlier').length;
			let [worst, compared, prepends] = [0, 0, 0];
			for (let step = 0; step < 400 && scroller.scrollTop > 0; step++) {
				const top = scroller.getBoundingClientRect().top;
				const anchor = [...document.querySelectorAll('[data-testid=message]')].find(
					(row) => row.getBoundingClientRect().top > top
				);
				const [key, before, loads] = [anchor.dataset.key, anchor.getBoundingClientRect().top, asked()];
				const up = Math.min(120, scroller.scrollTop);
				scroller.scrollTop -= up;
				await frame();
				await frame();
				await frame();
				const same = document.querySelector(`[data-key="${key}"]`);
				if (!same) continue;
				compared++;
				if (asked() > loads) prepends++;
				worst = Math.max(worst, Math.abs(same.getBoundingClientRect().top - before - up));
			}
			return { worst, compared, prepends };
		});
		assert.ok(drift.prepends >= 2, `rows were put above ${drift.prepends} times`);
		assert.ok(drift.compared > 50, `${drift.compared} frames were compared`);
		assert.ok(drift.worst <= 1, `moved by ${drift.worst} px`);
	});

	for (const [width, height] of [
		[900, 600],
		[1440, 900],
		[1440, 1600]
	]) {
		test(`a long room opens at its newest message (${width}×${height})`, async () => {
			page = await browser.page('lang=ja', { width, height });
			await openRoom('general');
			await page.waitForFunction(() => {
				const rows = [...document.querySelectorAll('[data-testid=message]')];
				const scroller = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
				return (
					rows.at(-1)?.dataset.key === 'm-general-128' &&
					rows.at(-1).getBoundingClientRect().bottom <= scroller.bottom + 1
				);
			});
			// It stays there once everything is measured.
			const jump = page.getByRole('button', { name: '最新へ移動' });
			await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 400)));
			assert.equal(await jump.count(), 0);
		});
	}

	test('at the end the newest message stays in sight; further up a button tells of it', async () => {
		page = await browser.page('lang=ja');
		await openRoom('general');
		await page.fill('[data-testid=composer]', '末尾に留まる');
		await page.keyboard.press('Enter');
		const row = page.locator('[data-testid=message]', { hasText: '末尾に留まる' });
		await row.waitFor();
		await page.waitForFunction(() => {
			const scroller = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
			const newest = [...document.querySelectorAll('[data-testid=message]')].at(-1);
			return newest.innerText.includes('末尾に留まる') && newest.getBoundingClientRect().bottom <= scroller.bottom + 1;
		});
		assert.equal(await page.inputValue('[data-testid=composer]'), '');
		await page.hover('[data-testid=timeline]');
		await page.mouse.wheel(0, -2_000);
		await page.getByRole('button', { name: '最新へ移動' }).click();
		await row.waitFor({ state: 'visible' });
	});

	test('who is at the end stays there through a burst of messages that ends while the list is still being settled', async () => {
		page = await browser.page('lang=ja');
		await openRoom('general');
		await page.evaluate(async () => {
			for (let count = 0; count < 200; count++) {
				globalThis.fakeBackend.receive('general', 'suzuki', `経過 ${count}\n`.repeat((count % 4) + 1));
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
		});
		await page.waitForFunction(() => {
			const scroller = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
			const newest = [...document.querySelectorAll('[data-testid=message]')].at(-1);
			return newest.innerText.includes('経過 199') && newest.getBoundingClientRect().bottom <= scroller.bottom + 1;
		});
		assert.equal(await page.getByRole('button', { name: '最新へ移動' }).count(), 0);
	});

	test('everything on the way to a sent message can be reached by keyboard', async () => {
		page = await browser.page('lang=en');
		await page.waitForSelector(room('support'));
		await tabTo(page, room('support'));
		await page.keyboard.press('Enter');
		await page.waitForSelector('[data-testid=composer]');
		await tabTo(page, '[data-testid=composer]');
		await page.keyboard.type('by keyboard');
		await page.keyboard.press('Shift+Enter');
		await page.keyboard.type('alone');
		await page.keyboard.press('Enter');
		const sent = page.locator('[data-testid=message][data-delivery=sent]', { hasText: 'by keyboard' });
		await sent.waitFor();
		assert.match(await sent.innerText(), /by keyboard\nalone/);
	});

	test('a conversion that ends with Enter sends nothing', async () => {
		page = await browser.page('lang=ja');
		await openRoom('support');
		const session = await page.context().newCDPSession(page);
		await page.focus('[data-testid=composer]');
		await session.send('Input.imeSetComposition', { text: 'けつあつ', selectionStart: 4, selectionEnd: 4 });
		await page.keyboard.press('Enter');
		await session.send('Input.insertText', { text: '血圧' });
		const sent = await page.evaluate(() => globalThis.fakeBackend.calls.filter((call) => call.name === 'sendMessage'));
		assert.deepEqual(sent, []);
		assert.match(await page.inputValue('[data-testid=composer]'), /血圧/);
	});

	test('a megabyte that is pasted is kept, said to be too long, and not sent', async () => {
		page = await browser.page('lang=ja');
		await openRoom('support');
		await page.evaluate(() => {
			const field = document.querySelector('[data-testid=composer]');
			field.value = 'あ'.repeat(1_000_000);
			field.dispatchEvent(new Event('input', { bubbles: true }));
		});
		await page.waitForSelector('[data-testid=error]');
		assert.match(await page.innerText('[data-testid=error]'), /990,000文字超えています/);
		assert.equal(await page.isDisabled('[data-testid=send]'), true);
	});

	test('with Ctrl+Enter as the key to send, Enter breaks the line; and the sheet of keys says so', async () => {
		page = await browser.page('lang=en');
		await page.click('[data-testid=settings]');
		await page.getByLabel('Ctrl+Enter sends').check();
		await page.goBack();
		await openRoom('support');
		await page.fill('[data-testid=composer]', '');
		await page.keyboard.type('one');
		await page.keyboard.press('Enter');
		await page.keyboard.type('two');
		assert.equal(await page.inputValue('[data-testid=composer]'), 'one\ntwo');
		await page.keyboard.press('Control+/');
		await page.locator('[data-testid=shortcut-sheet] dd', { hasText: 'Ctrl+Enter' }).waitFor();
		await page.keyboard.press('Escape');
		await page.focus('[data-testid=composer]');
		await page.keyboard.press('Control+Enter');
		await page.locator('[data-testid=message]', { hasText: /one\s*two/ }).waitFor();
	});

	test('how much room is left is told before there is none, and then how much is too much', async () => {
		page = await browser.page('lang=en');
		await openRoom('support');
		const fill = (length) => page.fill('[data-testid=composer]', '薬'.repeat(length));
		await fill(9_400);
		assert.equal(await page.locator('.remaining').count(), 0);
		await fill(9_600);
		assert.match(await page.innerText('.remaining'), /400/);
		await fill(10_000);
		assert.equal(await page.isEnabled('[data-testid=send]'), true);
		await fill(10_001);
		await page.waitForSelector('[data-testid=error]');
		assert.equal(await page.isEnabled('[data-testid=send]'), false);
		assert.equal((await page.inputValue('[data-testid=composer]')).length, 10_001, 'nothing is cut off');
	});

	test('wherever the keyboard goes, one sees where it is; and nothing moves for who wants stillness', async () => {
		page = await browser.page('lang=en&state=busy');
		await openRoom('general');
		const seen = new Set();
		for (let presses = 0; presses < 30; presses++) {
			await page.keyboard.press('Tab');
			const { name, marked, moves } = await page.evaluate(() => {
				const focused = document.activeElement;
				const marks = (element) => {
					const style = getComputedStyle(element);
					return (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none';
				};
				return {
					name: focused.outerHTML.slice(0, 80),
					// A field is marked by the frame around it.
					marked: focused === document.body || marks(focused) || marks(focused.parentElement),
					moves: [...document.querySelectorAll('*')].filter((element) => {
						const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
						return parseFloat(transitionDuration) > 0 || animationName !== 'none' || scrollBehavior === 'smooth';
					}).length
				};
			});
			assert.ok(marked, `${name} has the focus and does not show it`);
			assert.equal(moves, 0);
			seen.add(name);
		}
		assert.ok(seen.size > 10);
	});

	for (const theme of ['light', 'dark']) {
		test(`one sees where there is something to write in or to choose from (${theme})`, async () => {
			page = await browser.page(`lang=en&theme=${theme}`);
			await openRoom('general');
			await page.keyboard.press('Control+Shift+F');
			await page.waitForSelector('[data-testid=search-text]');
			const weak = await page.evaluate(() => {
				const colour = (text) => text.match(/[\d.]+/g).map(Number);
				const light = (text) =>
					colour(text)
						.slice(0, 3)
						.map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4))
						.reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
				const contrast = (a, b) => {
					const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
					return (bright + 0.05) / (dark + 0.05);
				};
				const behind = (element) => {
					const { backgroundColor } = getComputedStyle(element);
					return colour(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
				};
				const framed = (element) =>
					parseFloat(getComputedStyle(element).borderTopWidth) > 0 ? element : framed(element.parentElement);
				return [...document.querySelectorAll('input[type=text], input[type=search], select, textarea')]
					.filter((field) => field !== document.activeElement)
					.map(framed)
					.map((frame) => [frame.outerHTML.slice(0, 60), getComputedStyle(frame).borderTopColor, frame])
					.filter(([, border, frame]) => contrast(border, behind(frame.parentElement)) < 3)
					.map(([name, border]) => `${name}: ${border}`);
			});
			assert.deepEqual(weak, []);
		});
	}

	test('a draft is there again after another room', async () => {
		page = await browser.page('lang=ja');
		await openRoom('general');
		await page.fill('[data-testid=composer]', '書きかけの申し送り');
		await openRoom('support');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '');
		await openRoom('general');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '書きかけの申し送り');
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
