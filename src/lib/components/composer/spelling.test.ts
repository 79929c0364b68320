import { expect, test } from 'vitest';
import { canBeChecked } from './spelling';

test.each([
	['Please call me back.', true],
	['Überweisung an Dr. Sato', true],
	['採血の結果が出ました', false],
	['BPが低下しています', false],
	['ナースコール', false],
	['120/80', false],
	['', false]
])('the spelling of %j is checked: %s', (text, checked) => expect(canBeChecked(text)).toBe(checked));
