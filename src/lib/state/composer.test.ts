import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { sampleRooms } from '$lib/backend/sample';
import { Composer, MAX_CHARS } from './composer.svelte';

let backend: FakeBackend;
let composer: Composer;
const inputs = (name: string) => backend.calls.filter((call) => call.name === name).map((call) => call.input);

beforeEach(() => {
	vi.useFakeTimers();
	backend = createFakeBackend();
	composer = new Composer(backend, sampleRooms()[0]?.view.id ?? '', '');
});
afterEach(() => vi.useRealTimers());

describe('the composer', () => {
	test('sends once however often send is pressed, and is then empty', async () => {
		composer.input('了解しました');
		await Promise.all([composer.send(), composer.send(), composer.send()]);
		expect(inputs('sendMessage')).toHaveLength(1);
		expect(composer.text).toBe('');
	});

	test('keeps the text and says why when sending fails', async () => {
		backend.failNext('sendMessage', 'diskFull');
		composer.input('大事な所見');
		await composer.send();
		expect(composer.text).toBe('大事な所見');
		expect(composer.problem).toBe('diskFull');
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: '大事な所見' });
	});

	test('is free for the next message at once, and keeps both when the first fails', async () => {
		composer.input('一つ目');
		const sent = composer.send();
		expect(composer.text).toBe('');
		composer.input('二つ目');
		await sent;
		expect(composer.text).toBe('二つ目');

		backend.failNext('sendMessage', 'diskFull');
		const failed = composer.send();
		composer.input('三つ目');
		await failed;
		expect(composer.text).toBe('二つ目\n三つ目');
	});

	test('saves the draft a moment after the last keystroke, and at once on leaving', async () => {
		composer.input('あ');
		composer.input('あい');
		await vi.advanceTimersByTimeAsync(200);
		expect(inputs('saveDraft')).toEqual([expect.objectContaining({ content: 'あい' })]);
		composer.input('あいう');
		await composer.leave();
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: 'あいう' });
	});

	test('keeps a pasted megabyte and refuses to send it', async () => {
		const paste = 'あ'.repeat(1_000_000);
		composer.input(paste);
		await composer.send();
		expect(composer.over).toBeGreaterThan(0);
		expect(inputs('sendMessage')).toHaveLength(0);
		expect(composer.text).toBe(paste);
	});

	test('counts characters, not code units', () => {
		composer.input('😀'.repeat(MAX_CHARS));
		expect(composer.over).toBe(0);
		composer.input('😀'.repeat(MAX_CHARS) + 'a');
		expect(composer.over).toBe(1);
	});

	test('says that someone writes at most every three seconds, and that they stopped after five', async () => {
		for (let second = 0; second < 4; second++) {
			composer.input('x'.repeat(second + 1));
			await vi.advanceTimersByTimeAsync(1_000);
		}
		expect(inputs('setTyping')).toEqual([
			expect.objectContaining({ isTyping: true }),
			expect.objectContaining({ isTyping: true })
		]);
		await vi.advanceTimersByTimeAsync(5_000);
		expect(inputs('setTyping').at(-1)).toMatchObject({ isTyping: false });
	});
});

test('a fast writer loses nothing: what is sent while the last is on its way goes after it, in order', async () => {
	const backend = createFakeBackend();
	const composer = new Composer(backend, 'general', '');
	composer.input('一');
	const first = composer.send();
	composer.input('二');
	await Promise.all([first, composer.send()]);
	const sent = backend.calls
		.filter((call) => call.name === 'sendMessage')
		.map((call) => (call.input as { content: string }).content);
	expect(sent).toEqual(['一', '二']);
});

test('what failed and is sent again unchanged is the same message; changed, it is another', async () => {
	const backend = createFakeBackend();
	const composer = new Composer(backend, 'general', '');
	const ids = () =>
		backend.calls
			.filter((call) => call.name === 'sendMessage')
			.map((call) => (call.input as { clientMessageId: string }).clientMessageId);
	for (const text of ['報告', '報告', '報告です']) {
		if (text !== '報告です') backend.failNext('sendMessage', 'storeFailed');
		composer.input(text);
		await composer.send();
	}
	const [first, second, third] = ids();
	expect(second).toBe(first);
	expect(third).not.toBe(first);
});
