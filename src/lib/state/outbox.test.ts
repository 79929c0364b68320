import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';

let backend: FakeBackend;
let chat: Chat;
const waiting = () => chat.outbox.rows.map((row) => row.content);
const questions = () => backend.calls.filter((call) => call.name === 'unsentMessages').length;
const say = (content: string, roomId = 'general') =>
	backend.sendMessage({ roomId, clientMessageId: `id-${content}`, content });
const settle = () => vi.advanceTimersByTimeAsync(1_000);

beforeEach(async () => {
	vi.useFakeTimers();
	backend = createFakeBackend();
	chat = new Chat(backend);
	await chat.start();
});
afterEach(() => vi.useRealTimers());

describe('the outbox', () => {
	test('holds what waits in every room, in the order it was written, also where no room is open', async () => {
		backend.setOnline(false);
		await say('一', 'support');
		await say('二', 'general');
		await say('三', 'support');
		await settle();
		expect(waiting()).toEqual(['一', '二', '三']);
		backend.setOnline(true);
		await settle();
		expect(waiting()).toEqual([]);
	});

	test('is there from the beginning, for what waited before the app was opened', async () => {
		backend = createFakeBackend(new URLSearchParams('state=waiting'));
		chat = new Chat(backend);
		await chat.start();
		await settle();
		expect([waiting().length, chat.outbox.failed.length]).toEqual([5, 2]);
	});

	test('asks once for many changes, and the last word is the newest', async () => {
		backend.setOnline(false);
		const before = questions();
		for (let count = 0; count < 50; count++) await say(`${count}通目`);
		await settle();
		expect(questions() - before).toBeLessThanOrEqual(3);
		expect(waiting()).toHaveLength(50);
	});

	test('does not bring back what went out while the question was under way', async () => {
		backend.setOnline(false);
		await say('行き違い');
		await settle();
		const ask = backend.unsentMessages;
		backend.unsentMessages = async () => {
			const old = await ask();
			backend.unsentMessages = ask;
			backend.setOnline(true);
			return old;
		};
		backend.publish({ kind: 'messagesUpserted', roomId: 'general', messages: chat.outbox.rows });
		await vi.advanceTimersByTimeAsync(0);
		expect(waiting()).toEqual([]);
	});

	test('retries every failed message, and only those', async () => {
		backend = createFakeBackend(new URLSearchParams('state=waiting'));
		chat = new Chat(backend);
		await chat.start();
		await settle();
		await chat.outbox.retryAll();
		const retried = backend.calls.filter((call) => call.name === 'retryMessage').map((call) => call.input);
		expect(retried).toEqual(['unsent-1', 'unsent-2']);
		await settle();
		expect(chat.outbox.failed).toEqual([]);
	});

	test('says honestly whether a message was taken back or was on its way already', async () => {
		backend.setOnline(false);
		await say('取り消せる');
		await settle();
		expect(await chat.outbox.discard('id-取り消せる')).toBe(true);
		expect(waiting()).toEqual([]);

		await say('もう送信中');
		await settle();
		backend.discardMessage = async () => {};
		expect(await chat.outbox.discard('id-もう送信中')).toBe(false);
		expect(waiting()).toEqual(['もう送信中']);
	});

	test('keeps its rows and says why when they cannot be had, and asks again at the next change', async () => {
		backend.setOnline(false);
		await say('一');
		await settle();
		backend.failNext('unsentMessages', 'storeFailed');
		await say('二');
		await settle();
		await say('三');
		await settle();
		expect([waiting(), chat.outbox.problem]).toEqual([['一', '二', '三'], null]);
	});

	test('is empty for the next person', async () => {
		backend.setOnline(false);
		await say('前の人の');
		await settle();
		backend.publish({ kind: 'sessionChanged', session: null, ended: 'expired' });
		await settle();
		expect(waiting()).toEqual([]);
	});
});
