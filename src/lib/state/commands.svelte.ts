/**
 * What can be done just now, for the palette: each part of the window offers its own commands while it is there.
 *
 * Invariant: only what is on screen, or could be reached from it, is offered.
 */
import { untrack } from 'svelte';
import type { IconName } from '$lib/components/ui/Icon.svelte';

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
	#offers = $state.raw<(() => Command[])[]>([]);

	all = $derived.by(() => this.#offers.flatMap((offer) => offer()));

	/** Offers these, as they are whenever someone looks, until the answer is called. For an effect. */
	offer(commands: () => Command[]): () => void {
		this.#set((offers) => [...offers, commands]);
		return () => this.#set((offers) => offers.filter((offer) => offer !== commands));
	}

	#set(change: (offers: (() => Command[])[]) => (() => Command[])[]) {
		this.#offers = change(untrack(() => this.#offers));
	}
}
