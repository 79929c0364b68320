import { describe, expect, test } from 'vitest';
import { isSendKey } from './enter';

const enter = {
	key: 'Enter',
	isComposing: false,
	keyCode: 13,
	shiftKey: false,
	ctrlKey: false,
	metaKey: false,
	altKey: false
};

describe('Enter', () => {
	test('sends, and breaks the line with Shift', () => {
		expect(isSendKey(enter, true)).toBe(true);
		expect(isSendKey({ ...enter, shiftKey: true }, true)).toBe(false);
	});

	test('sends only with Ctrl or Command where the person chose so', () => {
		expect(isSendKey(enter, false)).toBe(false);
		expect(isSendKey({ ...enter, ctrlKey: true }, false)).toBe(true);
		expect(isSendKey({ ...enter, metaKey: true }, false)).toBe(true);
	});

	test('never sends while text is converted, in Chromium and in WebKit', () => {
		for (const enterSends of [true, false]) {
			expect(isSendKey({ ...enter, ctrlKey: !enterSends, isComposing: true }, enterSends)).toBe(false);
			expect(isSendKey({ ...enter, ctrlKey: !enterSends, keyCode: 229 }, enterSends)).toBe(false);
		}
	});
});
