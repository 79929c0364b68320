/** The keys of the window, in the order they are shown. */
import type { Texts } from '$lib/i18n/ja';
import { isConverting } from '$lib/components/ui/converting';

export type Shortcut = keyof Texts['shortcuts']['keys'];

/** Of each group; `Ctrl` is Command on a Mac, and shown as that. */
export const SHORTCUTS: Record<keyof Texts['shortcuts']['groups'], [Shortcut, string][]> = {
	window: [
		['palette', 'Ctrl+K'],
		['searchAll', 'Ctrl+Shift+F'],
		['searchRoom', 'Ctrl+F'],
		['nextRoom', 'Alt+↓'],
		['previousRoom', 'Alt+↑'],
		['lock', 'Ctrl+Shift+L'],
		['shortcuts', 'Ctrl+/']
	],
	message: [
		['move', '↑ ↓'],
		['menu', 'Enter'],
		['latest', 'End'],
		['composer', 'Esc']
	],
	composer: [
		['send', 'Enter'],
		['newLine', 'Shift+Enter'],
		['mention', '@'],
		['template', '/'],
		['editLast', '↑'],
		['back', 'Esc'],
		['undo', 'Ctrl+Z']
	],
	search: [
		['hit', '↑ ↓'],
		['openHit', 'Enter'],
		['leaveSearch', 'Esc']
	],
	viewer: [
		['picture', '← →'],
		['larger', '+'],
		['smaller', '-'],
		['leavePicture', 'Esc']
	]
};

type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'isComposing' | 'keyCode'>;

/** What a press anywhere means. While text is converted it means nothing here. */
export function shortcutOf(event: Pressed, writing: boolean): Shortcut | undefined {
	if (isConverting(event)) return undefined;
	const key = event.key.toLowerCase();
	if (event.ctrlKey || event.metaKey) {
		if (event.altKey) return undefined;
		if (key === 'k' && !event.shiftKey) return 'palette';
		if (key === 'l' && event.shiftKey) return 'lock';
		if (key === 'f') return event.shiftKey ? 'searchAll' : 'searchRoom';
		return key === '/' ? 'shortcuts' : undefined;
	}
	if (event.altKey) return key === 'arrowdown' ? 'nextRoom' : key === 'arrowup' ? 'previousRoom' : undefined;
	return key === '?' && !writing ? 'shortcuts' : undefined;
}
