import { expect, test } from 'vitest';
import { pixelsOf } from './pixels';

const bytes = (...parts: (string | number[])[]) =>
	Uint8Array.from(
		parts.flatMap((part) => (typeof part === 'string' ? [...part].map((char) => char.charCodeAt(0)) : part))
	).buffer;

test.each([
	['PNG', bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', [0, 0, 0xea, 0x60], [0, 0, 0xea, 0x60]), 60_000 * 60_000],
	['GIF', bytes('GIF89a', [0x20, 0x03, 0x58, 0x02]), 800 * 600],
	[
		'WebP, extended',
		bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [0, 0, 0, 0, 0, 0, 0, 0], [0x1f, 3, 0], [0x57, 2, 0]),
		800 * 600
	],
	['WebP, lossless', bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0, 0x2f], [0x1f, 0xc3, 0x95, 0]), 800 * 600],
	[
		'WebP, lossy',
		bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8 ', [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a], [0x20, 3, 0x58, 2]),
		800 * 600
	],
	[
		'JPEG behind other segments',
		bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 0, 0xff, 0xc2, 0, 11, 8, 2, 0x58, 3, 0x20]),
		800 * 600
	],
	['text', bytes('no picture at all, but long enough to look like one'), 0],
	['one that ends early', bytes('\x89PNG\r\n'), 0],
	['JPEG that never tells', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 2]), 0],
	['nothing', bytes(), 0]
])('a picture’s pixels are known before it is drawn: %s', (_, given, pixels) => {
	expect(pixelsOf(given)).toBe(pixels);
});
