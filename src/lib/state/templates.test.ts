import { beforeEach, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Templates } from './templates.svelte';

let backend: FakeBackend;
let templates: Templates;
beforeEach(async () => {
	backend = createFakeBackend();
	templates = new Templates(backend);
	await templates.load();
});
const titles = () => templates.all?.map((template) => template.title);
const saved = async () => (await backend.listTemplates()).map((template) => template.title);

test('they are added, worded anew and put in order, and core has the same', async () => {
	await templates.put({ id: 'new', title: '検温', content: '検温をお願いします。' });
	await templates.put({ id: 'visit', title: '伺います', content: 'これから伺います。' });
	await templates.move('new', -1);
	await templates.move('new', -1);
	await templates.move('visit', -1);
	expect(titles()).toEqual(['伺います', '検温', '申し送り', 'お礼']);
	expect(await saved()).toEqual(titles());
});

test('a deletion can be taken back, to where it stood', async () => {
	const before = titles();
	await templates.remove('handover');
	expect([titles(), templates.removed?.title]).toEqual([['訪室します', 'お礼'], '申し送り']);
	await templates.undo();
	expect([titles(), templates.removed]).toEqual([before, null]);
	expect(await saved()).toEqual(before);
});

test('what cannot be saved is not shown as if it were', async () => {
	const before = titles();
	backend.failNext('saveTemplates', 'diskFull');
	expect(await templates.put({ id: 'new', title: 'x', content: 'y' })).toBe(false);
	expect([titles(), templates.problem]).toEqual([before, 'diskFull']);
});

test('they are found by title first, then by text, in any width and kana', () => {
	expect(templates.matching('もうし').map(({ id }) => id)).toEqual([]);
	expect(templates.matching('申し').map(({ id }) => id)).toEqual(['handover']);
	expect(templates.matching('ばいたる').map(({ id }) => id)).toEqual(['handover']);
	expect(templates.matching('').length).toBe(3);
});
