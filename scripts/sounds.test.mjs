import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, loudest, names, wav } from './sounds.mjs';

test('the sounds in the app are those that the script makes', () => {
	for (const name of names) assert.ok(readFileSync(join(folder, `${name}.wav`)).equals(wav(name)), name);
});

test('the routine sound is much softer than the urgent one, and neither is cut off at the top', () => {
	const [routine, urgent] = ['routine', 'urgent'].map((name) => loudest(wav(name)));
	assert.ok(urgent > 2 * routine && routine > 0.01, `${routine} ${urgent}`);
	const samples = (file) =>
		Array.from({ length: (file.length - 44) / 2 }, (_, index) => file.readInt16LE(44 + index * 2));
	const peak = (file) => Math.max(...samples(file).map(Math.abs));
	for (const name of names) assert.ok(peak(wav(name)) < 32_000, name);
});
