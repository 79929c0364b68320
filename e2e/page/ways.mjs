/** Ways to a view of the interface, from where its page begins. */
import { inSight, openRoom, settled, testid } from './scene.mjs';

export const message = (page, text) => page.locator(testid('message'), { hasText: text }).last();

export async function busy(page) {
	await openRoom(page, 'general');
	const [latest, newest] = [page.locator(testid('latest')), message(page, '伺います')];
	await latest.or(newest).first().waitFor();
	if (await latest.isVisible()) await latest.click();
	await newest.waitFor();
	await settled(page);
}

/** Turns upwards until a message is there; what is far out of sight is not drawn. */
export async function bring(page, text) {
	if (await message(page, text).isVisible()) return;
	await page.locator(testid('timeline')).hover();
	for (let turns = 0; turns < 40 && !(await message(page, text).isVisible()); turns++) {
		await page.mouse.wheel(0, -200);
		await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
	}
	await settled(page);
}

/** A message with files, in the middle of the window, its pictures drawn. */
export async function withFiles(page) {
	await busy(page);
	await bring(page, '胸部写真');
	await page.waitForFunction(() => document.querySelectorAll('[data-testid=picture] img').length === 2);
	await inSight(page, page.locator(testid('picture')).first());
}

export const onMessage = (text, key, wanted) => async (page) => {
	await busy(page);
	await bring(page, text);
	await message(page, text).focus();
	await page.keyboard.press(key);
	await page.waitForSelector(testid(wanted));
};

export const pressed = (keys, wanted) => async (page) => {
	await openRoom(page, 'general');
	await page.keyboard.press(keys);
	await page.waitForSelector(testid(wanted));
};

/** Puts files into the composer, each with the state it is to be in. */
export async function chooseFiles(page) {
	await openRoom(page, 'general');
	await page.setInputFiles(testid('file-input'), [
		{ name: '創部の写真.png', mimeType: 'image/png', buffer: PNG },
		{ name: '検査結果.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 sample') },
		{ name: '空のメモ.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) }
	]);
	await page.locator(testid('file')).nth(2).waitFor();
	await page.waitForSelector(`${testid('composer-files')} img`);
}

/** A small picture: one pixel, green. */
export const PNG = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgyHD9DwADNAGqJZ0xTQAAAABJRU5ErkJggg==',
	'base64'
);

export const shown = (selector) => (page) => page.waitForSelector(selector);
export const settings = async (page) => {
	await page.click(testid('settings'));
	await page.waitForSelector('h1');
};

export const signIn = async (page, until) => {
	await page.fill('[name=server]', 'chat.example.jp');
	await page.fill('[name=username]', 'sato');
	await page.fill('[name=password]', 'secret');
	await page.press('[name=password]', 'Enter');
	await page.waitForSelector(until);
};
