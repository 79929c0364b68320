/**
 * The built interface in real Chromium, on its fake backend: for what only a browser can tell, layout and access.
 *
 * The page is served from `build/` as the window serves it: every path that is no file is `index.html`.
 */
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { chromium as executablePath, root } from '../../scripts/setup.mjs';

const types = {
	'.html': 'text/html',
	'.js': 'text/javascript',
	'.css': 'text/css',
	'.svg': 'image/svg+xml',
	'.json': 'application/json'
};
/** Chromium's own errands have no answer on a machine without a network, and are not what is tested. */
const quiet = [
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync'
];

export class Browser {
	#server;
	#profile;
	#context;
	/** Errors that any page reported. @type {string[]} */
	errors = [];

	static async open() {
		const browser = new Browser();
		browser.#server = createServer(serve);
		await new Promise((listening) => browser.#server.listen(0, '127.0.0.1', listening));
		browser.#profile = mkdtempSync(join(tmpdir(), 'hugmedo-page-'));
		browser.#context = await chromium.launchPersistentContext(browser.#profile, {
			executablePath,
			args: process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet,
			reducedMotion: 'reduce'
		});
		// As in the window: libraries must not rely on a prototype that can be changed.
		await browser.#context.addInitScript('Object.freeze(Object.prototype)');
		return browser;
	}

	/**
	 * A page at a scene of the fake backend, such as `lang=en&theme=dark&state=offline`. `now`: what its clock says, and goes on
	 * saying.
	 */
	async page(scene, { width = 1180, height = 760, path = '/', now } = {}) {
		const page = await this.#context.newPage();
		if (now) await page.clock.setFixedTime(now);
		page.on('pageerror', (error) => this.errors.push(error.message));
		page.on('console', (message) => message.type() === 'error' && this.errors.push(message.text()));
		await page.setViewportSize({ width, height });
		await page.goto(`http://127.0.0.1:${this.#server.address().port}${path}?${scene}`);
		// The page chooses its backend after it has loaded.
		await page.waitForFunction(() => globalThis.fakeBackend !== undefined);
		return page;
	}

	async close() {
		await this.#context.close();
		this.#server.close();
		rmSync(this.#profile, { recursive: true, force: true });
	}
}

function serve(request, response) {
	const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
	const file = join(root, 'build', path);
	const found = extname(path) !== '' && existsSync(file) ? file : join(root, 'build', 'index.html');
	response.setHeader('content-type', types[extname(found)] ?? 'application/octet-stream');
	response.end(readFileSync(found));
}
