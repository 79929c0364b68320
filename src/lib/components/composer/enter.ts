/**
 * What a press of Enter means.
 *
 * While Japanese text is being converted Enter belongs to the conversion. Chromium says so with `isComposing`; WebKit ends the
 * composition before it reports the key, and says so only by the key code 229 (WebKit bug 165004).
 */
export function isSendKey(
	event: Pick<KeyboardEvent, 'key' | 'isComposing' | 'keyCode' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>,
	enterSends: boolean
): boolean {
	if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229 || event.altKey) return false;
	const commanded = event.ctrlKey || event.metaKey;
	return enterSends ? !event.shiftKey : commanded && !event.shiftKey;
}
