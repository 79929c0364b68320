/**
 * How large a picture says it is, read from its beginning, before an engine is asked to draw it: a file of a few kilobytes can
 * claim billions of pixels, and memory for all of them is what the engine would take.
 */

/** As many as a server takes. */
export const MOST_PIXELS = 64_000_000;

/** The pixels of a PNG, GIF, WebP or JPEG; 0 if they are not to be found, which is no picture that is shown. */
export function pixelsOf(bytes: ArrayBuffer): number {
	const view = new DataView(bytes);
	try {
		return png(view) ?? gif(view) ?? webp(view) ?? jpeg(view) ?? 0;
	} catch {
		// It ended before it said so.
		return 0;
	}
}

const says = (view: DataView, at: number, text: string) =>
	[...text].every((char, index) => view.getUint8(at + index) === char.charCodeAt(0));

function png(view: DataView): number | undefined {
	return says(view, 0, '\x89PNG') ? view.getUint32(16) * view.getUint32(20) : undefined;
}

function gif(view: DataView): number | undefined {
	return says(view, 0, 'GIF8') ? view.getUint16(6, true) * view.getUint16(8, true) : undefined;
}

function webp(view: DataView): number | undefined {
	if (!says(view, 0, 'RIFF') || !says(view, 8, 'WEBP')) return undefined;
	const three = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
	if (says(view, 12, 'VP8X')) return (three(24) + 1) * (three(27) + 1);
	if (says(view, 12, 'VP8L')) {
		const bits = view.getUint32(21, true);
		return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1);
	}
	return (view.getUint16(26, true) & 0x3fff) * (view.getUint16(28, true) & 0x3fff);
}

function jpeg(view: DataView): number | undefined {
	if (view.getUint16(0) !== 0xffd8) return undefined;
	for (let at = 2; ;) {
		if (view.getUint8(at) !== 0xff) return undefined;
		const marker = view.getUint8(at + 1);
		// The frame's header; among its numbers stand those of tables and of arithmetic coding.
		const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
		if (isFrame) return view.getUint16(at + 5) * view.getUint16(at + 7);
		// Padding has no length.
		at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
	}
}
