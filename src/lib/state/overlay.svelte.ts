/** Which window lies over the others. Invariant: one at a time. */
export type Window = 'search' | 'palette' | 'shortcuts' | 'newRoom' | 'roomInfo';

export class Overlay {
	shown = $state<Window | null>(null);
	/** For a search: only in the room that is open. */
	here = $state(false);

	show(window: Window) {
		this.shown = window;
	}

	search(here: boolean) {
		this.here = here;
		this.shown = 'search';
	}

	close() {
		this.shown = null;
	}
}
