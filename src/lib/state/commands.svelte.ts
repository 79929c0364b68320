/**
 * What can be done just now, for the palette: each part of the window offers its own commands while it is there.
 *
 * Invariant: only what is on screen, or could be reached from it, is offered.
 */
import { untrack } from 'svelte';
import type { IconName } from '$lib/components/ui/Icon.svelte';

/** What offers, in the order in which it is shown: the nearer to what one does, the earlier. */
const ORIGINS = ['timeline', 'composer', 'room', 'link', 'window', 'person'] as const;
type Origin = (typeof ORIGINS)[number];

interface Offer {
	from: Origin;
	commands: () => Command[];
}

export interface Command {
	key: string;
	label: string;
	icon: IconName;
	/** What else finds it. */
	words?: string[];
	/** Keys that do the same. */
	keys?: string;
	run: () => void;
}

export class Commands {
	#offers = $state.raw<Offer[]>([]);

	all = $derived.by(() => this.#offers.flatMap(({ commands }) => commands()));

	/** Offers these, as they are whenever someone looks, until the answer is called. For an effect. */
	offer(from: Origin, commands: () => Command[]): () => void {
		const offer = { from, commands };
		this.#set((offers) => [...offers, offer].sort((a, b) => ORIGINS.indexOf(a.from) - ORIGINS.indexOf(b.from)));
		return () => this.#set((offers) => offers.filter((known) => known !== offer));
	}

	#set(change: (offers: Offer[]) => Offer[]) {
		this.#offers = change(untrack(() => this.#offers));
	}
}
