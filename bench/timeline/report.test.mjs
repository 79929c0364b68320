/** The report of a run tells what was measured, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile } from './figures.mjs';
import { report } from './report.mjs';
import { paceOf, talk, text, WORDS } from './traffic.mjs';

const TALKED = { words: 'abcdefghij', perSecond: 50, seconds: 12 };
const ours = (changed = {}) => ({
	name: 'ours',
	open: { 1000: [60], 100000: [70, 80] },
	memory: { 1000: 200, 100000: 210 },
	scroll: { frames: [16.7, 17], from: 100_000, to: 99_000 },
	prepend: { drifts: [0, 0.5], frames: [16.7] },
	memoryScrolled: 215,
	type: { frames: [16.7], keys: Array(10).fill(20) },
	typed: 12,
	spoken: 50,
	shown: 49.9,
	search: { common: [4], rare: [3], absent: [2], found: { common: 50, rare: 4, absent: 0 } },
	...changed
});
const { search: _search, prepend: _prepend, ...peer } = ours({ name: 'peer', open: { 1000: [300], 100000: [3_000] } });
const missedBy = (changed) => report([ours(changed), peer], TALKED).missed;

test('a run that holds every goal says so of each, and the peer is measured only', () => {
	const { table, missed } = report([ours(), { ...peer, shown: 3 }], TALKED);
	assert.deepEqual(missed, []);
	assert.equal(table.match(/\| held \|/g).length, 9);
	assert.match(table, /\| Opening a room of 100,000 \| 70 ms \(p95 80 ms\) \| 3,000 ms .* \| < 150 ms \| held \|/);
	assert.match(table, /Searching two characters, rare \| 3.0 ms \(p95 3.0 ms\) \| not there/);
});

for (const [what, changed] of [
	['Opening a room of 100,000', { open: { 1000: [60], 100000: [100, 151] } }],
	['A frame while scrolling up', { scroll: { frames: [18.1], from: 9, to: 1 } }],
	["The reader's place when history comes above it: off by at most", { prepend: { drifts: [0, 1.1], frames: [17] } }],
	['Of these came on screen a second', { shown: 40 }],
	['A frame meanwhile', { type: { frames: [30], keys: Array(10).fill(20) } }],
	['Searching two characters, absent', { search: { ...ours().search, absent: [10] } }],
	['Memory with 100,000', { memory: { 1000: 200, 100000: 221 } }]
]) {
	test(`a goal that is missed is said to be: ${what}`, () => assert.deepEqual(missedBy(changed), [what]));
}

for (const [what, changed, why] of [
	['traffic slower than it claims', { spoken: 46 }, /46\.0 messages a second were said, not 50/],
	['more on screen than was said', { shown: 55 }, /55\.0 messages a second came on screen/],
	['a time that is no number', { open: { 1000: [60], 100000: [70, NaN] } }, /opening was not measured/],
	['a row without any figure', { scroll: { frames: [], from: 9, to: 1 } }, /scrolling was not measured/],
	['a memory that is missing', { memory: { 1000: 200, 100000: undefined } }, /memory with 100000 was not measured/],
	['a list that did not move', { scroll: { frames: [17], from: 9, to: 9 } }, /nothing was scrolled/],
	['keys that went nowhere', { type: { frames: [17], keys: [20] } }, /1 of 10 keys/],
	['a search that found nothing', { search: { ...ours().search, found: { common: 0, rare: 4, absent: 0 } } }, /common/],
	['a pace on screen that is unknown', { shown: paceOf([]) }, /pace on screen/]
]) {
	test(`nothing is reported of ${what}`, () => assert.throws(() => missedBy(changed), why));
}

test('a percentile is one of the values, and of nothing there is none', () => {
	assert.equal(percentile([3, 1, 2], 0.5), 2);
	assert.equal(percentile([3, 1, 2], 0.95), 3);
	assert.throws(() => percentile([], 0.5), /not measured/);
	assert.throws(() => percentile([undefined], 0.5), /not measured/);
});

test('the pace is that of what has been said, not of what was begun', async () => {
	const slow = () => new Promise((said) => setTimeout(said, 400));
	assert.ok((await talk(50, 0.2, slow)) < 30);
	assert.equal(
		paceOf([
			{ number: 10, at: 0 },
			{ number: 60, at: 1_000 }
		]),
		50
	);
});

test('what is searched for is said as often as it is named for', () => {
	const often = (word) =>
		Array.from({ length: 1_000 }, (_, index) => text(index + 1)).filter((one) => one.includes(word)).length;
	assert.deepEqual(Object.values(WORDS).map(often), [125, 1, 0]);
});
