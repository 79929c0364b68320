/** HugMeDo Chat itself: the app's window, its core and store, and the server, each as its own program. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { programs } from '../../scripts/build.mjs';
import { Failure, eventually } from '../../scripts/processes.mjs';
import { Server, password } from '../../e2e/server.mjs';
import { Computer, roomItem, testid } from '../../e2e/window/computer.mjs';
import { memoryOf } from './figures.mjs';
import { prepend } from '../../e2e/window/history.mjs';
import { inPage, newestShown, open, scrollUp, watch, watched } from './probes.mjs';
import { marked, steadily, talk, text } from './traffic.mjs';

const ROOM = 'general';
/** Another room, to come from. */
const ELSEWHERE = 'announcements';
const SPEAKERS = ['suzuki', 'yamada'];
/** Said at the same time while the room is filled. */
const AT_ONCE = 32;
/** So often history comes in one go: the driver waits half a minute for an answer. */
const IN_ONE_GO = 5;

export class Ours {
	name = 'HugMeDo Chat (WebKitGTK)';
	count = 0;
	#server;
	#address;
	#tokens;
	#computer;

	/** @param {string} reliability the program whose server has no limits on how often one person may speak */
	static async start(folder, reliability) {
		const ours = new Ours();
		const founded = await Server.start(join(folder, 'server'));
		await founded.stop();
		ours.#server = spawn(
			reliability,
			['serve', '--listen', '127.0.0.1:0', '--data-dir', join(folder, 'server', 'data')],
			{
				// It ends with its standard input, and so with us.
				stdio: ['pipe', 'pipe', 'inherit']
			}
		);
		for await (const line of createInterface({ input: ours.#server.stdout })) {
			ours.#address = line.match(/^listening on (http:\S+)$/)?.[1];
			if (ours.#address) break;
		}
		await ours.#signIn();
		ours.#computer = await Computer.start(join(folder, 'sato'));
		// Nobody touches this computer while it is measured.
		mkdirSync(ours.#computer.dataDir, { recursive: true });
		writeFileSync(join(ours.#computer.dataDir, 'preferences.json'), JSON.stringify({ lockAfterSeconds: 0 }));
		await ours.#computer.openApp();
		await ours.#computer.signIn({ address: ours.#address }, 'sato', password);
		return ours;
	}

	/** Fills the room up to so many messages, all of them read, while the app is closed, and has it fetch them. */
	async fill(count) {
		const computer = this.#computer;
		await computer.closeApp();
		await this.#signIn();
		const say = async () => {
			while (this.count < count - 1) await this.#say(text(++this.count));
		};
		await Promise.all(Array.from({ length: AT_ONCE }, say));
		// Alone, so that it is the newest.
		await this.#say(text(++this.count));
		await this.#post('/api/events/read', this.#tokens.sato, { roomId: ROOM, upToSeq: 10_000_000 });
		await computer.openApp();
		// Catching up with that many takes longer than a person's waits.
		const isHere = async () =>
			(await computer.connection()) === 'live' &&
			!(await computer.sees(testid('progress'))) &&
			(await this.#newest()) >= count;
		await eventually(isHere, 600, 'the whole history');
		await computer.closeApp();
		await computer.openApp();
		await computer.isLive();
	}

	/** Opens the room, from another one. @returns {Promise<number>} milliseconds */
	async open() {
		await this.#computer.openRoom(ELSEWHERE);
		return this.#run(open, roomItem(ROOM), testid('timeline'), testid('message'), marked(this.count));
	}

	memory() {
		return memoryOf(this.#computer.pid);
	}

	scroll(pixels, milliseconds) {
		return this.#run(scrollUp, testid('timeline'), testid('message'), pixels, milliseconds);
	}

	/** Has history come above what is read, so many times. */
	async prepend(times) {
		const all = { drifts: [], frames: [] };
		while (all.drifts.length < times) {
			const some = Math.min(IN_ONE_GO, times - all.drifts.length);
			const { drifts, frames, ended } = await this.#run(prepend, testid('timeline'), testid('message'), some);
			all.drifts.push(...drifts);
			all.frames.push(...frames);
			if (ended) throw new Failure(`history ended after it had come ${all.drifts.length} times`);
		}
		return all;
	}

	/** Types while others talk. */
	async type(words, perSecond, seconds) {
		await this.#run(watch, testid('composer'), testid('timeline'), testid('message'));
		const talking = talk(perSecond, seconds, () => this.#say(text(++this.count)));
		const field = await this.#computer.page.find(testid('composer'));
		let typed = 0;
		const typing = steadily(words.length / seconds, seconds, () => field.type(words[typed++] ?? ''));
		const [spoken] = await Promise.all([talking, typing]);
		await eventually(async () => (await this.#run(newestShown)) === this.count, 120, 'the last message on screen');
		const noted = await this.#run(watched);
		await field.clear();
		return { spoken, ...noted };
	}

	/**
	 * Searches as the page does, so many times.
	 *
	 * @returns {Promise<{ took: number[], hits: number }>} milliseconds from the call to its answer, and what the first page held
	 */
	search(words, times) {
		return this.#run(
			async function (text, times) {
				const took = [];
				let hits = NaN;
				const query = { text, roomId: null, authorId: null, since: null, until: null, after: null };
				for (let time = 0; time < times; time++) {
					const began = performance.now();
					const page = await globalThis.__TAURI_INTERNALS__.invoke('search', { query });
					took.push(performance.now() - began);
					hits = page.hits.length;
				}
				return { took, hits };
			},
			words,
			times
		);
	}

	async stop() {
		await this.#computer?.stop();
		this.#server?.stdin.end();
	}

	/** The number of the newest message on this computer, by the room's preview. */
	async #newest() {
		const preview = await this.#computer.text(roomItem(ROOM));
		return Number(preview?.match(/No\.(\d+) /)?.[1] ?? 0);
	}

	#run(probe, ...args) {
		return this.#computer.page.run(inPage(probe), ...args);
	}

	/** Everyone signs in again: a long run outlives their tokens. */
	async #signIn() {
		this.#tokens = {};
		for (const username of ['sato', ...SPEAKERS]) {
			const { accessToken } = await this.#post('/api/login', null, { username, password });
			this.#tokens[username] = accessToken;
		}
	}

	#say(content) {
		const speaker = SPEAKERS[this.count % SPEAKERS.length];
		const message = { content, clientMessageId: crypto.randomUUID() };
		return this.#post(`/api/rooms/${ROOM}/messages`, this.#tokens[speaker], message);
	}

	async #post(path, token, body) {
		const response = await fetch(this.#address + path, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
			body: JSON.stringify(body)
		});
		if (!response.ok) throw new Error(`${path}: ${response.status}`);
		return response.json();
	}
}

/** The app and the server as they are shipped. */
export function useReleasePrograms(folder) {
	programs.app = join(folder, 'hugmedo-chat');
	programs.server = join(folder, 'hugmedo-chat-server');
}
