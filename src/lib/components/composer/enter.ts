/**
 * What a press of Enter means. While Japanese text is being converted it belongs to that.
 */
import { isConverting } from '$lib/components/ui/converting';

export function isSendKey(
	event: Pick<KeyboardEvent, 'key' | 'isComposing' | 'keyCode' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>,
	enterSends: boolean
): boolean {
	if (event.key !== 'Enter' || isConverting(event) || event.altKey) return false;
	const commanded = event.ctrlKey || event.metaKey;
	return enterSends ? !event.shiftKey : commanded && !event.shiftKey;
}
