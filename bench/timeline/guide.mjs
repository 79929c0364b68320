/** The guide's page in Chromium, with the official Socket.IO for Node behind it, as the guide sets both up. */
import { readFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { chromium } from 'playwright-core';
import { Server } from 'socket.io';
import { build } from 'vite';
import { eventually } from '../../scripts/processes.mjs';
import { memoryOf } from './figures.mjs';
import { inPage, newestShown, open, scrollUp, watch, watched } from './probes.mjs';
import { marked, steadily, talk, text } from './traffic.mjs';

const ROOM = 'general';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const BEGAN = Date.now();

export class Guide {
	name = "the guide's page (Chromium)";
	count = 0;
	#http;
	#io;
	#browser;
	#page;

	static async start(folder) {
		const guide = new Guide();
		const root = join(import.meta.dirname, 'guide');
		const built = join(folder, 'guide');
		await build({ configFile: false, root, plugins: [svelte()], build: { outDir: built }, logLevel: 'error' });
		guide.#http = createServer((request, response) => guide.#answer(built, request, response));
		guide.#io = new Server(guide.#http);
		guide.#io.on('connection', (socket) => socket.on('join_room', ({ roomId }) => socket.join(roomId)));
		await new Promise((listening) => guide.#http.listen(0, '127.0.0.1', listening));
		return guide;
	}

	/** Lets the room have so many messages, and starts the browser anew. */
	async fill(count) {
		this.count = count;
		await this.#browser?.close();
		this.#browser = await chromium.launchServer({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
		});
		const browser = await chromium.connect(this.#browser.wsEndpoint());
		this.#page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
		await this.#page.goto(`http://127.0.0.1:${this.#http.address().port}/`);
	}

	async open() {
		await this.#page.click('#leave');
		return this.#run(open, '#open', '[data-testid=timeline]', '.message', marked(this.count));
	}

	memory() {
		return memoryOf(this.#browser.process().pid);
	}

	async scroll(pixels, milliseconds) {
		await this.#run((scrolled) => document.querySelector(scrolled).scrollTo(0, 1e9), '[data-testid=timeline]');
		return this.#run(scrollUp, '[data-testid=timeline]', '.message', pixels, milliseconds);
	}

	async type(words, perSecond, seconds) {
		const field = '[data-testid=composer]';
		await eventually(() => this.#run((field) => !document.querySelector(field).disabled, field), 120, 'a connection');
		await this.#page.focus(field);
		await this.#run(watch, field, '[data-testid=timeline]', '.message');
		const say = async () => void this.#io.to(ROOM).emit('new_message', message(++this.count));
		let typed = 0;
		const typing = steadily(words.length / seconds, seconds, () => this.#page.keyboard.press(words[typed++] ?? ' '));
		const [spoken] = await Promise.all([talk(perSecond, seconds, say), typing]);
		await eventually(async () => (await this.#run(newestShown)) === this.count, 600, 'the last message on screen');
		return { spoken, ...(await this.#run(watched)) };
	}

	async stop() {
		await this.#browser?.close();
		this.#io?.close();
	}

	#run(probe, ...args) {
		return this.#page.evaluate(`(${inPage(probe)})(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
	}

	#answer(built, request, response) {
		if (request.url === `/history/${ROOM}`) {
			response.setHeader('content-type', 'application/json');
			response.end(JSON.stringify(Array.from({ length: this.count }, (_, index) => message(index + 1))));
			return;
		}
		const file = join(built, normalize(request.url === '/' ? '/index.html' : request.url));
		if (!existsSync(file)) return void response.writeHead(404).end();
		response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
		response.end(readFileSync(file));
	}
}

function message(number) {
	return {
		id: `m-${number}`,
		roomId: ROOM,
		userId: number % 2 ? 'suzuki' : 'takahashi',
		userName: number % 2 ? '鈴木 健一' : '高橋 葵',
		content: text(number),
		createdAt: new Date(BEGAN - (200_000 - number) * 60_000).toISOString()
	};
}
