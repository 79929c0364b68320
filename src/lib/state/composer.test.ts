import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
	it('sends once however often send is pressed, and is then empty', async () => {
		composer.input('了解しました');
		await Promise.all([composer.send(), composer.send(), composer.send()]);
		expect(inputs('sendMessage')).toHaveLength(1);
		expect(composer.text).toBe('');
	});

	it('keeps the text and says why when sending fails', async () => {
		backend.failNext('sendMessage', 'diskFull');
		composer.input('大事な所見');
		await composer.send();
		expect(composer.text).toBe('大事な所見');
		expect(composer.problem).toBe('diskFull');
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: '大事な所見' });
	});

	it('is free for the next message at once, and keeps both when the first fails', async () => {
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

	it('saves the draft a moment after the last keystroke, and at once on leaving', async () => {
		composer.input('あ');
		composer.input('あい');
		await vi.advanceTimersByTimeAsync(200);
		expect(inputs('saveDraft')).toEqual([expect.objectContaining({ content: 'あい' })]);
		composer.input('あいう');
		await composer.leave();
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: 'あいう' });
	});

	it('keeps a pasted megabyte and refuses to send it', async () => {
		const paste = 'あ'.repeat(1_000_000);
		composer.input(paste);
		await composer.send();
		expect(composer.over).toBeGreaterThan(0);
		expect(inputs('sendMessage')).toHaveLength(0);
		expect(composer.text).toBe(paste);
	});

	it('counts characters, not code units', () => {
		composer.input('😀'.repeat(MAX_CHARS));
		expect(composer.over).toBe(0);
		composer.input('😀'.repeat(MAX_CHARS) + 'a');
		expect(composer.over).toBe(1);
	});

	it('says that someone writes at most every three seconds, and that they stopped after five', async () => {
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
