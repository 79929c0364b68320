/** Pictures by their pixels, three bytes each. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** Which part of two pictures of the same size differs, as a fraction. */
export function unlike(one, other) {
	let differing = 0;
	for (let at = 0; at < one.length; at += 3) {
		const distance =
			Math.abs(one[at] - other[at]) + Math.abs(one[at + 1] - other[at + 1]) + Math.abs(one[at + 2] - other[at + 2]);
		if (distance > 24) differing++;
	}
	return differing / (one.length / 3);
}

/** The pixels of a PNG. */
export function pixelsOf(png) {
	const done = spawnSync('convert', ['png:-', '-alpha', 'off', '-depth', '8', 'rgb:-'], {
		input: png,
		maxBuffer: 1 << 28
	});
	assert.equal(done.status, 0, String(done.stderr));
	return done.stdout;
}
