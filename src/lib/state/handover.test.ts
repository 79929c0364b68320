import { describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';
import { Composer } from './composer.svelte';
import { Handover } from './handover';

/** A page whose commands are lost on their way, and the window it is in, whose name outlives it. */
async function page(backend: FakeBackend, name = '') {
	const window = { name };
	const session = (await backend.subscribe(() => {})).session;
	const handover = new Handover(backend, window);
	handover.belongTo(session);
	return { window, handover, session };
}

/** The commands of a page that goes away never arrive. */
function dying(backend: FakeBackend): FakeBackend {
	const never = () => new Promise<never>(() => {});
	return { ...backend, sendMessage: never, saveDraft: never };
}

async function compose(backend: FakeBackend, handover: Handover) {
	const chat = new Chat(backend);
	return new Composer({ backend, handover, held: chat.held, files: chat.files }, await backend.openRoom('general'));
}

const contents = (backend: FakeBackend) =>
	backend.calls
		.filter((call) => call.name === 'sendMessage')
		.map((call) => (call.input as { content: string }).content);
const message = (content: string, roomId = 'general') => ({ roomId, clientMessageId: `id-${content}`, content });

test('messages do not overtake each other, from whichever room they come', async () => {
	const backend = createFakeBackend();
	const { handover } = await page(backend);
	const send = backend.sendMessage;
	let answer = () => {};
	backend.sendMessage = async (message) => {
		backend.sendMessage = send;
		await new Promise<void>((resolve) => (answer = resolve));
		return send(message);
	};
	const sent = [handover.send(message('一', 'general')), handover.send(message('二', 'support'))];
	await new Promise((resolve) => setTimeout(resolve));
	answer();
	await Promise.all(sent);
	expect(contents(backend)).toEqual(['一', '二']);
});

describe('a page that is loaded again', () => {
	test('sends what the page before it could not be sure of, in order, under the same ids', async () => {
		const backend = createFakeBackend();
		const { window, handover } = await page(dying(backend));
		void handover.send(message('一'));
		void handover.send(message('二'));

		const after = await page(backend, window.name);
		await after.handover.resume();
		const sent = backend.calls.filter((call) => call.name === 'sendMessage').map((call) => call.input);
		expect(sent).toEqual([message('一'), message('二')]);
		expect(after.window.name).toBe('');
	});

	test('does not send again what was answered', async () => {
		const backend = createFakeBackend();
		const { window, handover } = await page(backend);
		await handover.send(message('届いた'));
		expect(window.name).toBe('');
	});

	test('has what was being written in the composer, and not what was sent', async () => {
		const backend = createFakeBackend();
		const before = await page(dying(backend));
		const composer = await compose(dying(backend), before.handover);
		composer.input('送った');
		void composer.send();
		composer.input('書きかけ');
		composer.pageHides();

		const after = await page(backend, before.window.name);
		await after.handover.resume();
		expect(contents(backend)).toEqual(['送った']);
		expect((await backend.openRoom('general')).draft.content).toBe('書きかけ');
	});

	test('sends nothing for someone else, and forgets it', async () => {
		const backend = createFakeBackend();
		const { window, handover, session } = await page(dying(backend));
		void handover.send(message('佐藤の'));
		const next = new Handover(backend, window);
		next.belongTo(session && { ...session, server: 'https://elsewhere.example.jp' });
		await next.resume();
		expect([contents(backend), window.name]).toEqual([[], '']);
	});

	test('offers again, with the reason, what core does not take, and sends it under the same id', async () => {
		const backend = createFakeBackend();
		const { window, handover } = await page(dying(backend));
		void handover.send(message('大事な所見'));

		const after = await page(backend, window.name);
		backend.failNext('sendMessage', 'diskFull');
		await after.handover.resume();
		expect(after.window.name, 'kept until it is on screen').not.toBe('');
		const composer = await compose(backend, after.handover);
		expect([composer.text, composer.problem]).toEqual(['大事な所見', 'diskFull']);
		await composer.send();
		expect(backend.calls.findLast((call) => call.name === 'sendMessage')?.input).toEqual(message('大事な所見'));
	});

	test('shows nothing of a room before that', async () => {
		const backend = createFakeBackend();
		const before = await page(dying(backend));
		await backend.saveDraft('general', { content: '再読み込みの前', mentions: [] });
		void before.handover.send(message('再読み込みの前'));

		window.name = before.window.name;
		const chat = new Chat(backend);
		await chat.start();
		await chat.openRoom('general');
		expect(chat.opened?.draft.content, 'core forgot the draft with the message').toBe('');
		expect(chat.timeline?.rows.filter((row) => row.content === '再読み込みの前')).toHaveLength(1);
	});

	test('leaves alone what others have named the window', async () => {
		const { handover } = await page(createFakeBackend(), 'someone-elses');
		await expect(handover.resume()).resolves.toBeUndefined();
	});
});
