import { expect, test } from 'vitest';
import { shortcutOf } from './shortcuts';

const press = (key: string, more: Partial<Parameters<typeof shortcutOf>[0]> = {}, writing = false) =>
	shortcutOf(
		{ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, keyCode: 0, ...more },
		writing
	);

test('each shortcut is known by its keys, with Ctrl and with Command', () => {
	for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
		expect(press('k', held)).toBe('palette');
		expect(press('f', held)).toBe('searchRoom');
		expect(press('F', { ...held, shiftKey: true })).toBe('searchAll');
		expect(press('/', held)).toBe('shortcuts');
	}
	expect([press('ArrowDown', { altKey: true }), press('ArrowUp', { altKey: true })]).toEqual([
		'nextRoom',
		'previousRoom'
	]);
});

test('a question mark is one while writing, and nothing is a shortcut while text is converted', () => {
	expect([press('?'), press('?', {}, true)]).toEqual(['shortcuts', undefined]);
	expect(press('k', { ctrlKey: true, isComposing: true })).toBeUndefined();
	expect(press('k', { ctrlKey: true, keyCode: 229 })).toBeUndefined();
	expect(press('f')).toBeUndefined();
});
