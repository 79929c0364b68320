/**
 * A page that is loaded again and again in the middle of sending: every message is there once, on the server and on screen.
 *
 * Each round writes, presses Enter and loads the page again within one task of the page or some milliseconds later, so that
 * the call to the shell has not left, is on its way, or has just been answered. `HUGMEDO_CHAT_RELOADS` says how often.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

const RELOADS = Number(process.env.HUGMEDO_CHAT_RELOADS ?? 10);
/** How long after Enter the page goes, in milliseconds; 0 is in the same task, before anything can have left. */
const DELAYS = [0, 1, 2, 4, 8, 16, 32];
/** In every so many-th round the page goes while the next message is being written. */
const WITH_DRAFT = 4;

describe(`${RELOADS} reloads in the middle of sending`, { timeout: 60_000 + RELOADS * 30_000 }, () => {
	const stage = new Stage();
	const arrived = (row) => ['sent', 'delivered', 'read'].includes(row.delivery);
	/** Every message that was sent, in order. */
	const sent = [];
	const found = { unsent: [], twice: [] };
	/** How many messages were not yet on screen, and so perhaps nowhere, when their page went. */
	let inFlight = 0;
	let server, sato;

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	/** Sends these texts and then begins a draft, as fast as the page can, and loads it again. */
	const sendAndReload = (texts, draft, delay) =>
		sato.page.run(
			String(function (composer, texts, draft, delay) {
				const field = document.querySelector(composer);
				window.isBeforeReload = true;
				addEventListener('pagehide', () => {
					const missing = texts.filter((text) => !document.body.innerText.includes(text));
					sessionStorage.setItem('inFlight', String(missing.length));
				});
				const write = (text) => {
					field.value = text;
					field.dispatchEvent(new InputEvent('input', { bubbles: true }));
				};
				// Once this call has been answered: a driver does not bear a page that goes while it asks.
				setTimeout(() => {
					for (const text of texts) {
						write(text);
						field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
					}
					if (draft) write(draft);
					if (delay === 0) location.reload();
					else setTimeout(() => location.reload(), delay);
				});
			}),
			testid('composer'),
			texts,
			draft,
			delay
		);

	const isLoadedAgain = () =>
		eventually(
			() =>
				sato.page.run(
					`function (composer) { return !window.isBeforeReload && document.querySelector(composer) !== null; }`,
					testid('composer')
				),
			20,
			'the page to be loaded again'
		);

	test('none is lost and none is doubled on screen, and what was being written is kept', async () => {
		for (let round = 0; round < RELOADS; round++) {
			const texts = Array.from({ length: 1 + (round % 2) }, (_, index) => `再読込${round}の${index}通目。`);
			const draft = round % WITH_DRAFT === 3 ? `書きかけ${round}` : '';
			await sendAndReload(texts, draft, DELAYS[round % DELAYS.length]);
			await isLoadedAgain();
			inFlight += Number(await sato.page.run(`function () { return sessionStorage.getItem('inFlight'); }`));
			sent.push(...texts);

			const kept = await sato.draft();
			for (const text of texts) {
				// Nobody does anything: what was sent goes out, and is not offered to be sent again.
				const row = await eventually(
					async () => (await sato.messages()).find((row) => row.text.includes(text) && arrived(row)),
					5,
					text
				).catch(() => null);
				if (!row) found.unsent.push(text);
				if (row && kept.includes(text)) found.twice.push(text);
				const shown = (await sato.messages()).filter((row) => row.text.includes(text)).length;
				if (shown > 1) found.twice.push(text);
			}
			if (found.unsent.length === 0) assert.equal(kept, draft, `the composer after round ${round}`);
			if (kept) await sato.fill(testid('composer'), '');
		}
		console.log(
			`${RELOADS} reloads, ${sent.length} messages, ${inFlight} of them under way as the page went: ` +
				`${found.unsent.length} not sent, ${found.twice.length} doubled on screen`
		);
		assert.ok(inFlight >= RELOADS / 4, 'the page went in the middle of sending');
		assert.deepEqual(found, { unsent: [], twice: [] });
	});

	test('the server has each message once, in the order they were written', async () => {
		const { token } = await server.signIn('suzuki');
		const onServer = [];
		for (let before = ''; ;) {
			const { body } = await server.call('GET', `/api/rooms/general/messages?limit=200${before}`, { token });
			onServer.unshift(...body.messages);
			if (!body.hasMore) break;
			before = `&before=${body.messages[0].seq}`;
		}
		const ours = onServer.map(({ content }) => content).filter((content) => content.startsWith('再読込'));
		const count = (content) => ours.filter((other) => other === content).length;
		const lost = sent.filter((content) => count(content) === 0);
		const doubled = sent.filter((content) => count(content) > 1);
		console.log(`${sent.length} messages on the server: ${lost.length} lost, ${doubled.length} doubled`);
		assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
		assert.deepEqual(ours, sent);
	});
});
