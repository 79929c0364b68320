/**
 * Makes the sounds of notifications (`src-tauri/sounds/*.wav`), which are ours down to the last sample: `node scripts/sounds.mjs`.
 *
 * The routine one is soft and low: two notes, a fourth apart, that fade. The urgent one is several times as loud, rises three times,
 * and lies where hearing is keenest and small loudspeakers are loudest. `--check` fails if a file is another.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RATE = 22_050;

/** Begins at `at` seconds, lasts `length`, fades the faster the larger `fade`, rings with a few overtones. `loud` is of 1. */
const NOTES = {
	routine: [
		{ at: 0, length: 0.35, pitch: 587.33, loud: 0.16, fade: 4, overtones: [1, 0.2, 0.05] },
		{ at: 0.11, length: 0.45, pitch: 783.99, loud: 0.14, fade: 4, overtones: [1, 0.2, 0.05] }
	],
	urgent: [0, 0.42, 0.84].flatMap((at) =>
		[1046.5, 1318.5, 1568].map((pitch, step) => ({
			at: at + step * 0.1,
			length: 0.22,
			pitch,
			loud: 0.85,
			fade: 1,
			overtones: [1, 0.45, 0.3, 0.15]
		}))
	)
};

/** One of them as the bytes of a WAV file: one channel, 16 bits. */
export function wav(name) {
	const notes = NOTES[name];
	const samples = Math.ceil(Math.max(...notes.map(({ at, length }) => at + length)) * RATE);
	const file = Buffer.alloc(44 + samples * 2);
	file.write('RIFF', 0);
	file.writeUInt32LE(36 + samples * 2, 4);
	file.write('WAVEfmt ', 8);
	file.writeUInt32LE(16, 16);
	file.writeUInt16LE(1, 20); // PCM
	file.writeUInt16LE(1, 22); // channels
	file.writeUInt32LE(RATE, 24);
	file.writeUInt32LE(RATE * 2, 28);
	file.writeUInt16LE(2, 32);
	file.writeUInt16LE(16, 34);
	file.write('data', 36);
	file.writeUInt32LE(samples * 2, 40);
	for (let index = 0; index < samples; index++) {
		const level = notes.reduce((sum, note) => sum + loudness(note, index / RATE), 0);
		file.writeInt16LE(Math.round(Math.max(-1, Math.min(1, level)) * 32_767), 44 + index * 2);
	}
	return file;
}

/** A note at a moment: it is there within five milliseconds, and fades to nothing, so that nothing clicks. */
function loudness({ at, length, pitch, loud, fade, overtones }, time) {
	const since = time - at;
	if (since < 0 || since >= length) return 0;
	const envelope = Math.min(1, since / 0.005) * Math.exp((-fade * since) / length) * (1 - since / length);
	const sum = overtones.reduce(
		(sum, part, index) => sum + part * Math.sin(2 * Math.PI * pitch * (index + 1) * since),
		0
	);
	return (loud * envelope * sum) / overtones.reduce((sum, part) => sum + part, 0);
}

/** The loudness of a WAV file as the ear adds it up, of 1: the root of the mean square of its loudest tenth of a second. */
export function loudest(file) {
	const window = RATE / 10;
	let most = 0;
	for (let from = 44; from + window * 2 <= file.length; from += window * 2) {
		let sum = 0;
		for (let index = 0; index < window; index++) sum += (file.readInt16LE(from + index * 2) / 32_767) ** 2;
		most = Math.max(most, Math.sqrt(sum / window));
	}
	return most;
}

export const names = Object.keys(NOTES);
export const folder = fileURLToPath(new URL('../src-tauri/sounds', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	mkdirSync(folder, { recursive: true });
	for (const name of names) {
		const path = join(folder, `${name}.wav`);
		const same = existsSync(path) && readFileSync(path).equals(wav(name));
		if (process.argv.includes('--check')) {
			if (!same) throw new Error(`${path} is not what this script makes`);
		} else if (!same) writeFileSync(path, wav(name));
	}
}
