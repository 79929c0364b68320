import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Search } from './search.svelte';

let backend: FakeBackend;
let search: Search;
beforeEach(() => {
	vi.useFakeTimers();
	backend = createFakeBackend();
	search = new Search(backend, null);
});
afterEach(() => vi.useRealTimers());
const asked = () => backend.calls.filter((call) => call.name === 'search').map((call) => call.input);

test('asks once for what was typed in one go, and nothing for nothing', async () => {
	for (const text of ['回', '回診', '回診は']) search.ask({ text });
	await vi.runAllTimersAsync();
	expect(asked()).toMatchObject([{ text: '回診は' }]);
	expect(search.hits.length).toBeGreaterThan(0);
	search.ask({ text: ' ' });
	await vi.runAllTimersAsync();
	expect([asked().length, search.hits]).toEqual([1, []]);
});

test('an answer that was overtaken is not shown', async () => {
	const real = backend.search;
	let answer = () => {};
	backend.search = async (query) => {
		backend.search = real;
		const page = await real(query);
		await new Promise<void>((resolve) => (answer = resolve));
		return page;
	};
	search.ask({ text: '回診' });
	await vi.runAllTimersAsync();
	search.ask({ text: 'プリンター' });
	await vi.runAllTimersAsync();
	answer();
	await vi.runAllTimersAsync();
	expect(search.hits.every((hit) => hit.message.content.includes('プリンター'))).toBe(true);
});

test('the last day that is chosen counts whole, and pages follow each other', async () => {
	for (let count = 0; count < 70; count++) backend.receive('support', 'yamada', '在庫の確認');
	const today = new Date();
	today.setHours(0, 0, 0, 0);
	search.ask({ text: '在庫', until: today, authorId: 'yamada', roomId: 'support' });
	await vi.runAllTimersAsync();
	expect([search.hits.length, search.hasMore]).toEqual([50, true]);
	await search.more();
	expect([search.hits.length, search.hasMore]).toEqual([70, false]);
});
