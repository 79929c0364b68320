import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';
import { Composer } from './composer.svelte';
import { HOLD_MS } from './held.svelte';

const ROOM = 'patient-tanaka';
let backend: FakeBackend;
let chat: Chat;
let composer: Composer;
const sent = () =>
	backend.calls
		.filter((call) => call.name === 'sendMessage')
		.map((call) => (call.input as { content: string }).content);
const draft = async () => (await backend.openRoom(ROOM)).draft.content;

beforeEach(async () => {
	vi.useFakeTimers();
	window.name = '';
	backend = createFakeBackend();
	chat = new Chat(backend);
	await chat.start();
	composer = new Composer(chat, await backend.openRoom(ROOM), true);
});
afterEach(() => vi.useRealTimers());

function undo() {
	const [held] = chat.held.messages;
	if (held) chat.held.undo(held);
}

async function say(text: string) {
	composer.input(text);
	await composer.send();
}

describe('a message to a room with a patient', () => {
	test('goes out by itself after a moment, once, in order', async () => {
		await say('一');
		await vi.advanceTimersByTimeAsync(1_000);
		await say('二');
		expect(sent()).toEqual([]);
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		expect(sent()).toEqual(['一', '二']);
		expect([chat.held.messages, window.name]).toEqual([[], '']);
	});

	test('is taken back within that moment, and never goes out', async () => {
		await say('部屋を間違えた');
		chat.held.attend(ROOM, (message) => composer.restore(message));
		undo();
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		expect([sent(), composer.text, window.name]).toEqual([[], '部屋を間違えた', '']);
		expect(await draft()).toBe('部屋を間違えた');
	});

	test('is part of the draft until it goes out, and what is written after it stays', async () => {
		await say('一');
		composer.input('書きかけ');
		await composer.leave();
		expect(await draft()).toBe('一\n書きかけ');
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		expect(await draft()).toBe('書きかけ');
	});

	test('is not in the composer of who comes back meanwhile, and no draft once it went out', async () => {
		await say('一');
		composer.input('書きかけ');
		await composer.leave();
		const again = new Composer(chat, await backend.openRoom(ROOM), true);
		expect(again.text).toBe('書きかけ');
		await again.leave();
		expect(await draft()).toBe('一\n書きかけ');
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		await again.leave();
		expect([sent(), await draft()]).toEqual([['一'], '書きかけ']);
	});

	test('and taken back from elsewhere is in its room once', async () => {
		await say('X');
		composer.input('書きかけ');
		await composer.leave();
		undo();
		const again = new Composer(chat, await backend.openRoom(ROOM), true);
		expect([again.text, await draft(), window.name]).toEqual(['X\n書きかけ', 'X\n書きかけ', '']);
	});

	test('leaves what else is written in its room over a reload', async () => {
		await say('一');
		composer.input('書きかけ');
		await composer.leave();
		await new Chat(backend).start();
		expect([sent(), await draft()]).toEqual([['一'], '書きかけ']);
	});

	test('is sent by the page that comes after a reload', async () => {
		await say('再読み込み');
		composer.pageHides();
		const next = createFakeBackend();
		const after = new Chat(next);
		await after.start();
		const contents = next.calls.filter((call) => call.name === 'sendMessage').map((call) => call.input);
		expect(contents).toMatchObject([{ content: '再読み込み', roomId: ROOM }]);
	});

	test('that core does not take is offered again with the reason', async () => {
		await say('大事な連絡');
		backend.failNext('sendMessage', 'diskFull');
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		const again = new Composer(chat, await backend.openRoom(ROOM), true);
		expect([again.text, again.problem]).toEqual(['大事な連絡', 'diskFull']);
	});

	test('goes to nobody once the session ended', async () => {
		await say('終わった');
		await backend.signOut();
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		expect(sent()).toEqual([]);
	});
});

describe('what is forwarded', () => {
	const forward = async (to: string) =>
		chat.forward((await backend.messageDetails('general', 'm-general-1')).message, to);
	const gist = async () => (await backend.messageDetails('general', 'm-general-1')).message.content;

	test('to a room with a patient is in its draft until it goes out, and leaves there what was written', async () => {
		await backend.saveDraft(ROOM, { content: '書きかけ', mentions: [] });
		await forward(ROOM);
		expect(await draft()).toBe(`${await gist()}\n書きかけ`);
		await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
		expect([sent(), await draft()]).toEqual([[await gist()], '書きかけ']);
	});

	test('and taken back stands in that room before what was written', async () => {
		await backend.saveDraft(ROOM, { content: '書きかけ', mentions: [] });
		await forward(ROOM);
		undo();
		const there = new Composer(chat, await backend.openRoom(ROOM), true);
		expect([there.text, await draft()]).toEqual([`${await gist()}\n書きかけ`, `${await gist()}\n書きかけ`]);
	});

	test('to any other room leaves its draft alone', async () => {
		await backend.saveDraft('support', { content: '書きかけ', mentions: [] });
		await forward('support');
		expect(sent()).toEqual([await gist()]);
		expect((await backend.openRoom('support')).draft.content).toBe('書きかけ');
	});
});

test('only who is not the patient is held back, and only where a patient reads', () => {
	expect([chat.guarded(ROOM), chat.guarded('general')]).toEqual([true, false]);
});
