/**
 * `npm run screenshots`: every view of the built interface, in both languages, both themes, wide and narrow, as pictures in
 * `test-results/screens`, to be looked at. `npm run screenshots -- timeline` makes those of one view only; `npm run screenshots --
 * --guide` makes the pictures of the user's guide and of the README anew.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from '../e2e/page/browser.mjs';
import { views } from '../e2e/page/views.mjs';
import { execFileSync } from 'node:child_process';
import { root } from './setup.mjs';

/** The views that the user's guide shows. */
const GUIDE = ['server-found', 'timeline', 'held', 'urgent', 'search', 'waiting', 'locked', 'settings', 'remove-data'];
/** The view that the README shows, and how. */
const README = {
	name: 'patient',
	lang: 'ja',
	theme: 'light',
	width: 1180,
	height: 760,
	file: join(root, 'docs', 'screenshot.png')
};
const forGuide = process.argv.includes('--guide');
const folder = forGuide ? join(root, 'docs', 'user-guide', 'pictures') : join(root, 'test-results', 'screens');
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const LOOKS = forGuide
	? ['ja', 'en'].map((lang) => ({ lang, theme: 'light', width: 960, height: 640 }))
	: ['ja', 'en'].flatMap((lang) =>
			['light', 'dark'].flatMap((theme) => [
				{ lang, theme, width: 1180, height: 760 },
				{ lang, theme, width: 720, height: 560 }
			])
		);

if (!process.env.BUILT)
	execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
if (wanted.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const browser = await Browser.open();
let made = 0;
try {
	for (const [name, { scene = '', path, open }] of Object.entries(views)) {
		if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
		const looks = !forGuide || GUIDE.includes(name) ? LOOKS : [];
		for (const look of forGuide && name === README.name ? [...looks, README] : looks) {
			const { lang, theme, width, height, file } = look;
			const page = await browser.page(`lang=${lang}&theme=${theme}&${scene}`, { width, height, path });
			await Promise.resolve(open?.(page)).catch((failure) => {
				throw new Error(`${name} (${lang}, ${theme}, ${width}) is not reached`, { cause: failure });
			});
			await page.evaluate(() => document.fonts.ready);
			await page.screenshot({
				path: file ?? join(folder, forGuide ? `${name}-${lang}.png` : `${name}-${lang}-${theme}-${width}.png`)
			});
			await page.close();
			made++;
		}
	}
} finally {
	await browser.close();
}
if (browser.errors.length > 0) throw new Error(`a page reported errors:\n${browser.errors.join('\n')}`);
console.log(`${made} pictures in ${folder}`);
