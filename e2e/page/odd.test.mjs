/** What is not meant well, or not meant at all: markup, tricks of writing, texts without end, files that are not what they say. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, ftruncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { openRoom, room, testid } from './scene.mjs';
import { views } from './views.mjs';
import { PNG } from './ways.mjs';

describe('what is not meant well', { timeout: 600_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	let folder;
	before(async () => {
		browser = await Browser.open();
		folder = mkdtempSync(join(tmpdir(), 'hugmedo-odd-'));
	});
	afterEach(() => page?.close());
	after(async () => {
		await browser.close();
		rmSync(folder, { recursive: true, force: true });
	});

	const start = async (scene = 'lang=en') => {
		page = await browser.page(scene);
		await openRoom(page, 'support');
	};
	const receive = (content, more = {}) =>
		page.evaluate(
			([content, more]) => globalThis.fakeBackend.receive('support', 'suzuki', content, more).id,
			[content, more]
		);
	const bubble = (id) => page.locator(`${testid('message')}[data-key=${id}] .bubble`);
	const calls = (name) =>
		page.evaluate((name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).length, name);
	const choose = (files) => page.setInputFiles(testid('file-input'), files);

	for (const [name, { scene = '', path, open }] of Object.entries(views)) {
		if (path) continue;
		test(`markup in every field is text, and fits: ${name}`, async () => {
			page = await browser.page(`lang=en&theme=light&${scene}&odd=html`, { width: 900, height: 1400 });
			await open?.(page);
			const found = await page.evaluate(() => ({
				run: globalThis.hit,
				elements: document.querySelectorAll('img[src=x], #odd').length,
				beside: document.documentElement.scrollWidth - document.documentElement.clientWidth
			}));
			assert.deepEqual(found, { run: undefined, elements: 0, beside: 0 });
		});
	}

	test('the markup was there to be run: it is read as it was written', async () => {
		page = await browser.page('lang=en&odd=html');
		await openRoom(page, 'general');
		await page.getByText('<img src=x onerror="window.hit=1"><script>window.hit=1</script>').first().waitFor();
	});

	test('a direction that one text forces goes no further than that text', async () => {
		await start();
		const author = { id: 'x', name: '\u202eabc', userType: 'clinician' };
		const origin = await receive('first', { author });
		const id = await receive('uvw \u202exyz 05 mg', {
			author,
			replyTo: { messageId: origin, seq: 3, authorName: '\u202eabc', preview: 'preview', deleted: false }
		});
		/** Whether the first of these characters stands left of the last, where they are shown. */
		const inOrder = (selector, text) =>
			page.evaluate(
				([selector, text]) => {
					const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
					for (let node = walker.nextNode(); node; node = walker.nextNode()) {
						const at = node.data.indexOf(text);
						if (at < 0) continue;
						const place = (offset) => {
							const range = document.createRange();
							range.setStart(node, at + offset);
							range.setEnd(node, at + offset + 1);
							return range.getBoundingClientRect().left;
						};
						return place(0) < place(text.length - 1);
					}
					return undefined;
				},
				[selector, text]
			);
		const row = `${testid('message')}[data-key=${id}]`;
		await page.waitForSelector(row);
		assert.equal(await inOrder(`${testid('message')}[data-key=${origin}] .author`, 'Clinician'), true);
		assert.equal(await inOrder(`${row} ${testid('quote')}`, 'preview'), true);
		// A dose stays the dose it is, and one sees that something is wrong with it.
		assert.equal(await inOrder(`${row} .bubble`, '05 mg'), true);
		assert.match(await page.innerText(`${row} .bubble`), /uvw \ufffdxyz 05 mg/);
		assert.equal(await inOrder(room('support'), 'uvw'), true);
		assert.equal(await inOrder(room('support'), '05 mg'), true);
	});

	test('nor does it where a message is asked about, or waits', async () => {
		await start();
		await page.fill(testid('composer'), 'give \u202e05 mg');
		await page.evaluate(() => globalThis.fakeBackend.setOnline(false));
		await page.keyboard.press('Enter');
		await page.click(testid('waiting-entry'));
		const seen = (text) => assert.ok(!text.includes('\u202e') && text.includes('\ufffd05 mg'), text);
		seen(await page.innerText(testid('waiting-item')));
		await page.keyboard.press('Escape');
		await page.evaluate(() => globalThis.fakeBackend.setOnline(true));
		const row = page.locator(`${testid('message')}[data-delivery=sent]`, { hasText: 'give' }).last();
		await row.focus();
		await page.keyboard.press('Control+K');
		await page.locator(`${testid('palette')} input`).fill('withdraw');
		seen(await page.innerText(`${testid('palette')} [role=option]`));
		await page.keyboard.press('Enter');
		seen(await page.innerText(testid('delete-dialog')));
	});

	test('a link with unseen characters is none, and a named one tells where it leads', async () => {
		await start();
		const id = await receive('https://bank.example\u202e/gpj.exe [https://b\u200bank.example](https://evil.example/a)');
		const links = bubble(id).locator('a');
		await links.first().waitFor();
		assert.deepEqual(await links.allInnerTexts(), ['https://bank.example', 'https://bank.example']);
		assert.deepEqual(await links.evaluateAll((all) => all.map((link) => link.getAttribute('href'))), [
			'https://bank.example',
			'https://evil.example/a'
		]);
		await bubble(id).getByText('(evil.example)').waitFor();
	});

	for (const [name, text] of [
		['50,000 characters', '血圧は安定しています。'.repeat(4_546)],
		['50,000 characters in one word', 'x'.repeat(50_000)],
		['10,000 lines', '行\n'.repeat(10_000)],
		['10,000 emoji', '👩🏽‍⚕️'.repeat(10_000)],
		['an address without end', `https://a.example/${')'.repeat(50_000)}`],
		['10,000 beginnings of something bold', '**a '.repeat(10_000)]
	]) {
		test(`a message of ${name} is folded, whole when asked for, and holds up nobody`, async () => {
			await start();
			const id = await receive(text);
			const more = bubble(id).getByRole('button', { name: 'Show all' });
			await more.waitFor();
			const height = () => bubble(id).evaluate((element) => element.getBoundingClientRect().height);
			assert.ok((await height()) < 500, 'it leaves room for others');
			assert.ok((await bubble(id).textContent()).length < 4_000, 'what is not seen is not drawn');
			await page.fill(testid('composer'), 'still here');
			await page.keyboard.press('Enter');
			await page.locator(`${testid('message')}[data-delivery=sent]`, { hasText: 'still here' }).waitFor();
			await more.scrollIntoViewIfNeeded();
			await more.click();
			const less = bubble(id).getByRole('button', { name: 'Show less' });
			await less.waitFor({ state: 'attached' });
			const shown = await bubble(id).evaluate((element) => element.textContent.replace(/\s/g, ''));
			assert.ok(shown.includes(text.replace(/\s/g, '')), 'nothing of it is lost');
			await page.fill(testid('composer'), 'and here');
			await page.keyboard.press('Enter');
			await page.locator(`${room('support')}:has-text("and here")`).waitFor();
		});
	}

	test('a message of an unknown kind is shown as such, with what it says', async () => {
		await start();
		const poll = await receive('昼食はどちら？', { unknownKind: true });
		await bubble(poll).getByText('This version cannot show this kind of message').waitFor();
		assert.match(await bubble(poll).innerText(), /昼食はどちら？/);
		const silent = await receive('', { unknownKind: true });
		await bubble(silent).locator(testid('unknown-kind')).waitFor();
		assert.equal(await bubble(silent).locator('em').count(), 0, 'it is said once');
	});

	test('a file of a gigabyte is refused before a byte of it is read, and the message can go without it', async () => {
		await start();
		const path = join(folder, 'huge.png');
		const file = openSync(path, 'w');
		ftruncateSync(file, 1024 ** 3);
		closeSync(file);
		await choose(path);
		await page.locator(testid('composer-files')).getByText('too large').waitFor();
		await page.fill(testid('composer'), 'without the file');
		assert.equal(await page.isDisabled(testid('send')), true);
		await page.getByRole('button', { name: 'Remove huge.png' }).click();
		await page.click(testid('send'));
		await page.locator(testid('message'), { hasText: 'without the file' }).waitFor();
		assert.equal(await calls('addAttachment'), 0);
	});

	test('a file is taken for what it is, not for what it is called', async () => {
		await start();
		await choose([
			{ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('%PDF-1.7 no picture') },
			{ name: 'report.pdf', mimeType: 'application/pdf', buffer: PNG },
			{ name: 'page.png', mimeType: 'image/png', buffer: Buffer.from('<svg onload="window.hit=1"/>') }
		]);
		const rows = page.locator(`${testid('composer-files')} ${testid('file')}`);
		await rows.nth(2).locator('.kind').waitFor();
		await page.waitForSelector(`${testid('send')}:not([disabled])`);
		const told = await rows.allInnerTexts();
		assert.match(told[0], /photo\.png\s+PDF/);
		assert.match(told[1], /report\.pdf\s+Picture/);
		assert.match(told[2], /page\.png\s+PNG/);
		assert.equal(await rows.locator('img').count(), 1, 'only what is a picture is drawn');
		assert.equal(await page.evaluate(() => globalThis.hit), undefined);
	});

	test('a picture that claims billions of pixels is never drawn, and says so', async () => {
		await start();
		const bomb = Buffer.from(PNG);
		bomb.writeUInt32BE(60_000, 16);
		bomb.writeUInt32BE(60_000, 20);
		await page.evaluate(() => {
			const make = URL.createObjectURL;
			globalThis.drawn = 0;
			URL.createObjectURL = (given) => (globalThis.drawn++, make.call(URL, given));
		});
		await choose([{ name: 'bomb.png', mimeType: 'image/png', buffer: bomb }]);
		await page.waitForSelector(`${testid('send')}:not([disabled])`);
		await page.locator(`${testid('composer-files')} .blank.failed`).waitFor();
		await page.click(testid('send'));
		const picture = page.locator(testid('picture'), { hasText: 'Cannot be shown' });
		await picture.waitFor();
		assert.equal(await page.locator(`${testid('timeline')} img`).count(), 0);
		await picture.click();
		await page.locator(testid('viewer'), { hasText: 'Cannot be shown' }).waitFor();
		assert.equal(await page.evaluate(() => globalThis.drawn), 0, 'the engine is never asked');
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
