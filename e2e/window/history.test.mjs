/** A long room in the real window: history comes above what one reads, again and again, and nothing moves. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { prepend } from './history.mjs';
import { Stage } from './stage.mjs';

const MESSAGES = 700;
const TIMES = 50;
/** So often history comes at most before one goes back to the newest message. */
const CLIMB = 10;
/** The driver waits half a minute for an answer, also on a slow computer. */
const IN_ONE_GO = 2;

describe('a long room', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server;

	/** Says what is numbered, in lines of different number, as fast as the server lets one person. */
	async function say(username, numbers) {
		const { token } = await server.signIn(username);
		for (const number of numbers) {
			const body = {
				content: `経過 ${number}${'\n特に変わりありません。'.repeat(number % 5)}`,
				clientMessageId: crypto.randomUUID()
			};
			const isSaid = async () =>
				(await server.call('POST', '/api/rooms/general/messages', { token, body })).status === 200;
			await eventually(isSaid, 60, `message ${number}`);
		}
	}

	/** Goes up for some time, or to where the room begins: a page may also come between two looks, and is then not counted. */
	async function climb() {
		const drifts = [];
		while (drifts.length < CLIMB) {
			const found = await sato.page.run(String(prepend), testid('timeline'), testid('message'), IN_ONE_GO);
			drifts.push(...found.drifts);
			if (!found.ended) continue;
			await sato.page.run('(list) => { document.querySelector(list).scrollTop = 0; }', testid('timeline'));
			const begins = async () => (await sato.text(testid('timeline'))).includes('ここが会話の始まりです');
			await eventually(begins, 15, 'history ends where the room begins');
			break;
		}
		return drifts;
	}

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato');
		const numbers = Array.from({ length: MESSAGES }, (_, index) => index);
		const speakers = ['suzuki', 'yamada', 'sato'];
		await Promise.all(
			speakers.map((name, index) =>
				say(
					name,
					numbers.filter((one) => one % speakers.length === index)
				)
			)
		);
		// Read already: the room opens at its end.
		const { token } = await server.signIn('sato');
		await server.call('POST', '/api/events/read', { token, body: { roomId: 'general', upToSeq: 10_000_000 } });
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	// Seen here off by 1.2 px in some frames, and beside other work once by 12.7 px.
	const todo = 'the place of who reads is not always kept to the pixel in this engine';
	test(`history that comes ${TIMES} times moves what one reads by no pixel`, { todo }, async () => {
		const drifts = [];
		while (drifts.length < TIMES) {
			const came = await climb();
			assert.ok(came.length > 0, 'history comes on the way up');
			drifts.push(...came);
			await sato.click(testid('latest'));
			await eventually(async () => !(await sato.sees(testid('latest'))), 15, 'the newest message');
		}
		assert.ok(Math.max(...drifts) <= 1, `moved by ${drifts.filter((drift) => drift > 1).join(', ')} px`);
	});
});
