/**
 * Whether a key belongs to the conversion of Japanese text, and to nothing else.
 *
 * Chromium says so with `isComposing`; WebKit ends the composition before it reports the key, and says so only by the key
 * code 229 (WebKit bug 165004).
 */
export function isConverting(event: Pick<KeyboardEvent, 'isComposing' | 'keyCode'>): boolean {
	return event.isComposing || event.keyCode === 229;
}
