import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as dates from './dates';
import { en } from './en';
import { ja } from './ja';

type Tree = { [key: string]: unknown };

function leaves(tree: Tree, path = ''): Map<string, unknown> {
	const found = new Map<string, unknown>();
	for (const [key, value] of Object.entries(tree)) {
		const here = path ? `${path}.${key}` : key;
		if (typeof value === 'object' && value !== null)
			leaves(value as Tree, here).forEach((leaf, name) => found.set(name, leaf));
		else found.set(here, value);
	}
	return found;
}

test('both languages say everything, and not the same words', () => {
	const [japanese, english] = [leaves(ja), leaves(en)];
	expect([...english.keys()].sort()).toEqual([...japanese.keys()].sort());
	for (const [name, text] of japanese) {
		if (text === '' || name === 'productName') continue;
		expect(typeof english.get(name), name).toBe(typeof text);
		expect(String(english.get(name)), `${name} is not translated`).not.toBe(String(text));
	}
	for (const [name, text] of english) expect(String(text), `${name} is Japanese`).not.toMatch(/[ぁ-んァ-ヶ一-龠]/);
});

test('every error code of core has a sentence in both languages', () => {
	const union = readFileSync('src/lib/backend/bindings/ErrorCode.ts', 'utf8');
	const codes = [...union.matchAll(/"(\w+)"/g)].map((match) => match[1]);
	expect(codes.length).toBeGreaterThan(20);
	for (const texts of [ja, en]) expect(Object.keys(texts.errors).sort()).toEqual([...codes].sort());
});

test('days are told as people of each language tell them', () => {
	const now = new Date(2026, 10, 23, 0, 30);
	const at = (...parts: [number, number, number, number]) => new Date(...parts);
	expect(dates.day('ja', ja, at(2026, 10, 23, 0), now)).toBe('今日');
	expect(dates.day('ja', ja, at(2026, 10, 22, 23), now)).toBe('昨日');
	expect(dates.day('ja', ja, at(2026, 10, 16, 9), now)).toBe('11月16日(月)');
	expect(dates.day('ja', ja, at(2025, 10, 16, 9), now)).toBe('2025年11月16日(日)');
	expect(dates.day('en', en, at(2026, 10, 16, 9), now)).toBe('Mon 16 November');
	expect(dates.timeOfDay('ja', at(2026, 10, 23, 9))).toBe('09:00');
	expect(dates.timeWithSeconds('ja', at(2026, 10, 23, 9))).toBe('09:00:00');
	expect(dates.dayAndTime('ja', at(2026, 10, 3, 9))).toBe('2026/11/03 09:00');
	expect(dates.dayAndTime('en', at(2026, 10, 3, 9))).toBe('3 Nov 2026, 09:00');
	expect(dates.moment('ja', at(2026, 10, 3, 9))).toBe('2026/11/03 09:00:00');
	expect(dates.daysBetween(new Date(2026, 2, 28, 23, 59), new Date(2026, 2, 29, 0, 1))).toBe(1);
});
