/**
 * The rows of the open room.
 *
 * Invariants: one row for each key; rows are ordered by `seq`, those not yet sent last in the order they were written;
 * rows that arrive out of order find their place.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OpenedRoom } from '$lib/backend/bindings/OpenedRoom';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { Seq } from '$lib/backend/bindings/Seq';

export class Timeline {
	readonly roomId: RoomId;
	readonly #backend: Backend;

	rows = $state.raw<MessageView[]>([]);
	hasEarlier = $state(false);
	/** Why earlier rows could not be had, until they are asked for again. */
	incomplete = $state<ErrorCode | undefined>(undefined);
	loadingEarlier = $state(false);
	/** Where the 'new messages' divider stands: above the first row of others after this position. It stays while one reads. */
	readonly readUpTo: Seq;
	/** Whether the newest change to `rows` put earlier ones before them: the list then keeps its place from its end. */
	prepended = $state(false);

	constructor(backend: Backend, opened: OpenedRoom) {
		this.#backend = backend;
		this.roomId = opened.room.id;
		this.readUpTo = opened.room.readSeq;
		this.rows = ordered(opened.page.messages);
		this.hasEarlier = opened.page.hasEarlier;
		this.incomplete = opened.page.incomplete;
	}

	/** The first row that had not been read when the room was opened. */
	firstUnread = $derived.by(
		() => this.rows.find((row) => !row.own && row.seq !== undefined && row.seq > this.readUpTo)?.key
	);

	upsert(changed: MessageView[]) {
		const first = this.rows.find((row) => row.seq !== undefined)?.seq;
		// Rows above what is loaded, such as an old one that was edited, come with their page.
		const wanted = changed.filter(
			(row) =>
				row.seq === undefined || !this.hasEarlier || first === undefined || row.seq >= first || this.#has(row.key)
		);
		if (wanted.length === 0) return;
		this.prepended = false;
		this.rows = merged(this.rows, wanted);
	}

	remove(key: string) {
		this.prepended = false;
		this.rows = this.rows.filter((row) => row.key !== key);
	}

	async loadEarlier(): Promise<void> {
		const first = this.rows.find((row) => row.seq !== undefined)?.seq;
		if (this.loadingEarlier || !this.hasEarlier || first === undefined) return;
		this.loadingEarlier = true;
		this.incomplete = undefined;
		try {
			const page = await this.#backend.loadEarlier(this.roomId, first);
			this.prepended = true;
			this.rows = merged(this.rows, page.messages);
			this.hasEarlier = page.hasEarlier;
			this.incomplete = page.incomplete;
		} catch (failure) {
			this.incomplete = failure instanceof BackendError ? failure.code : 'internal';
		} finally {
			this.loadingEarlier = false;
		}
	}

	#has(key: string): boolean {
		return this.rows.some((row) => row.key === key);
	}
}

function merged(rows: MessageView[], changed: MessageView[]): MessageView[] {
	const byKey = new Map(rows.map((row) => [row.key, row]));
	for (const row of changed) byKey.set(row.key, row);
	return ordered([...byKey.values()]);
}

function ordered(rows: MessageView[]): MessageView[] {
	return [...rows].sort((a, b) => {
		if (a.seq !== undefined && b.seq !== undefined) return a.seq - b.seq;
		if (a.seq !== undefined) return -1;
		if (b.seq !== undefined) return 1;
		return a.pendingOrder - b.pendingOrder;
	});
}
