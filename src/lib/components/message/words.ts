/** How each thing that can be done with a message is shown, and the key that does it while the message has the focus. */
import type { IconName } from '$lib/components/ui/Icon.svelte';
import type { Action } from '$lib/state/actions.svelte';

export const ACTION_ICONS: Record<Action, IconName> = {
	acknowledge: 'hand',
	reply: 'reply',
	react: 'smile',
	copy: 'copy',
	forward: 'forward',
	unread: 'unread',
	edit: 'edit',
	details: 'info',
	delete: 'trash'
};

export const ACTION_KEYS: Record<Action, string> = {
	acknowledge: 'A',
	reply: 'R',
	react: '+',
	copy: 'C',
	forward: 'F',
	unread: 'U',
	edit: 'E',
	details: 'I',
	delete: 'Delete'
};

/** What a press means on a message that has the focus; with a modifier it means something else. */
export function actionOfKey(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): Action | undefined {
	if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
	const pressed = event.key.length === 1 ? event.key.toUpperCase() : event.key;
	return (Object.keys(ACTION_KEYS) as Action[]).find((action) => ACTION_KEYS[action] === pressed);
}
