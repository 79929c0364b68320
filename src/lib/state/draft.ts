/** What someone has begun to write, as core keeps it. */
import type { Draft } from '$lib/backend/bindings/Draft';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';

export const NOTHING: Draft = { content: '', replyTo: null, mentions: [] };

/** A message as the draft it was. */
export function draftOf(message: OutgoingMessage): Draft {
	return { content: message.content, replyTo: message.replyTo ?? null, mentions: message.mentions ?? [] };
}

/** Several drafts as one: one text below the other, answering what the last of them answers. */
export function joined(drafts: Draft[]): Draft {
	return {
		content: drafts
			.map((draft) => draft.content)
			.filter((content) => content !== '')
			.join('\n'),
		replyTo: drafts.findLast((draft) => draft.replyTo)?.replyTo ?? null,
		mentions: [...new Set(drafts.flatMap((draft) => draft.mentions))]
	};
}
