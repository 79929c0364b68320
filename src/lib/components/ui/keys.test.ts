import { expect, test } from 'vitest';
import { shownKeys } from './keys';

test.each([
	['Ctrl+K', '⌘K'],
	['Ctrl+Shift+F', '⇧⌘F'],
	['Alt+↓', '⌥↓'],
	['Shift+Enter', '⇧Enter'],
	['Ctrl+/', '⌘/'],
	['Esc', 'Esc'],
	['+', '+'],
	['↑ ↓', '↑ ↓']
])('%s is shown as it is, and on a Mac as %s', (keys, onMac) => {
	expect(shownKeys(keys, false)).toBe(keys);
	expect(shownKeys(keys, true)).toBe(onMac);
});
