/**
 * A search through what is on this computer.
 *
 * Invariants: what is shown belongs to what is asked for now, however the answers overtake each other; the question is asked a
 * moment after the last change of it.
 */
import { BackendError, type Backend } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { SearchHit } from '$lib/backend/bindings/SearchHit';
import type { SearchQuery } from '$lib/backend/bindings/SearchQuery';
import type { UserId } from '$lib/backend/bindings/UserId';

const PAUSE_MS = 120;
const DAY_MS = 24 * 60 * 60_000;

export class Search {
	readonly #backend: Backend;

	text = $state('');
	roomId = $state<RoomId | null>(null);
	authorId = $state<UserId | null>(null);
	/** Days by their beginning; `until` is the last one that counts. */
	since = $state.raw<Date | null>(null);
	until = $state.raw<Date | null>(null);

	hits = $state.raw<SearchHit[]>([]);
	/** Whether the answer to the present question is here. */
	done = $state(false);
	problem = $state<ErrorCode | null>(null);
	#next = $state<string | undefined>(undefined);

	#asked = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(backend: Backend, roomId: RoomId | null) {
		this.#backend = backend;
		this.roomId = roomId;
	}

	hasMore = $derived(this.#next !== undefined);

	/** Changes the question. */
	ask(changed: Partial<Pick<Search, 'text' | 'roomId' | 'authorId' | 'since' | 'until'>>) {
		Object.assign(this, changed);
		this.#asked++;
		this.done = false;
		this.problem = null;
		clearTimeout(this.#timer);
		if (this.text.trim() === '') {
			this.hits = [];
			this.#next = undefined;
			return;
		}
		this.#timer = setTimeout(() => void this.#fetch(null), PAUSE_MS);
	}

	async more(): Promise<void> {
		if (this.#next !== undefined) await this.#fetch(this.#next);
	}

	async #fetch(after: string | null): Promise<void> {
		const asked = this.#asked;
		try {
			const page = await this.#backend.search(this.#query(after));
			if (asked !== this.#asked) return;
			this.hits = after === null ? page.hits : [...this.hits, ...page.hits];
			this.#next = page.next;
			this.problem = null;
			this.done = true;
		} catch (failure) {
			if (asked === this.#asked) this.problem = failure instanceof BackendError ? failure.code : 'internal';
		}
	}

	#query(after: string | null): SearchQuery {
		return {
			text: this.text,
			roomId: this.roomId,
			authorId: this.authorId,
			since: this.since?.toISOString() ?? null,
			until: this.until ? new Date(this.until.getTime() + DAY_MS).toISOString() : null,
			after
		};
	}
}
