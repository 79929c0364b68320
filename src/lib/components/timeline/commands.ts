/** What can be done in the timeline and with the message that was chosen in it, for the palette. */
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { gistOf } from '$lib/components/files/words';
import { ACTION_ICONS, ACTION_KEYS } from '$lib/components/message/words';
import { beginning } from '$lib/components/message/visible';
import type { I18n } from '$lib/i18n/i18n.svelte';
import type { Anchor, MessageActions } from '$lib/state/actions.svelte';
import type { Command } from '$lib/state/commands.svelte';

/** Enough to know which message is meant. */
const GIST_CHARS = 24;

export function timelineCommands(
	i18n: I18n,
	actions: MessageActions,
	toEnd: () => void,
	chosen: MessageView | undefined,
	anchorOf: (key: string) => Anchor
): Command[] {
	const latest: Command = { key: 'latest', label: i18n.t.timeline.jumpToLatest, icon: 'down', keys: 'End', run: toEnd };
	if (!chosen) return [latest];
	const gist = beginning(chosen.deleted ? i18n.t.timeline.deleted : gistOf(chosen), GIST_CHARS);
	return [
		latest,
		...actions.of(chosen).map((action): Command => ({
			key: `message:${action}`,
			label: `${i18n.t.message.actions[action]}: ${i18n.t.message.said(chosen.author.name, gist)}`,
			icon: ACTION_ICONS[action],
			keys: ACTION_KEYS[action],
			run: () => void actions.do(action, chosen, anchorOf(chosen.key))
		}))
	];
}
