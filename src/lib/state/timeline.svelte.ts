/**
 * The rows of the open room: a stretch of its history that can be moved along it.
 *
 * Invariants: one row for each key; rows are ordered by `seq`, those not yet sent last in the order they were written; rows
 * that arrive out of order find their place; no more than {@link MOST_ROWS} are held for long; the stretch has no gap; what
 * cannot be had leaves what is here, and says so.
 */
import { tick } from 'svelte';
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { AttachmentView } from '$lib/backend/bindings/AttachmentView';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OpenedRoom } from '$lib/backend/bindings/OpenedRoom';
import type { Place } from '$lib/backend/bindings/Place';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { Seq } from '$lib/backend/bindings/Seq';
import type { TimelinePage } from '$lib/backend/bindings/TimelinePage';

/** Memory does not grow with how far one scrolls. */
export const MOST_ROWS = 300;
/** So many more are put up with before those furthest from the eye go: letting go of them costs a drawing of the list. */
export const SPARE_ROWS = 100;

export class Timeline {
	readonly roomId: RoomId;
	readonly #backend: Backend;

	rows = $state.raw<MessageView[]>([]);
	hasEarlier = $state(false);
	/** Whether the stretch ends before the newest message. */
	hasLater = $state(false);
	/** Why rows could not be had, until they are asked for again. */
	incomplete = $state<ErrorCode | undefined>(undefined);
	/** Which rows these are. */
	missing = $state<'earlier' | 'later' | 'others'>('others');
	loadingEarlier = $state(false);
	loadingLater = $state(false);
	/** Where the 'new messages' divider stands: above the first row of others after this position. It stays while one reads. */
	readonly readUpTo: Seq;
	/** Whether the newest change to `rows` was at their beginning: the list then keeps its place from its end. */
	prepended = $state(false);
	/** Rises when another stretch takes the place of this one. */
	stretch = $state(0);
	/** The row to bring into sight; a new object for each jump. */
	target = $state.raw<{ key: string } | null>(null);
	/** What has just been said, also where it lies beyond the stretch; a new array each time. */
	arrived = $state.raw<MessageView[]>([]);

	/** The kind of place that was last looked for, if there is none. */
	nowhere = $state<Place['kind'] | null>(null);

	#newest: Seq;
	/** Asks once more for what is incomplete. */
	#again: () => Promise<unknown> = () => this.#open();

	constructor(backend: Backend, opened: OpenedRoom) {
		this.#backend = backend;
		this.roomId = opened.room.id;
		this.readUpTo = opened.room.readSeq;
		this.#take(opened.page);
		this.incomplete = opened.page.incomplete;
		this.#newest = this.#last ?? 0;
	}

	/** The first row that had not been read when the room was opened, where the rows before it are here too. */
	firstUnread = $derived.by(() => {
		const first = this.rows.find((row) => row.seq !== undefined)?.seq ?? 0;
		if (this.hasEarlier && first > this.readUpTo + 1) return undefined;
		return this.rows.find((row) => !row.own && row.seq !== undefined && row.seq > this.readUpTo)?.key;
	});

	upsert(changed: MessageView[]) {
		const fresh = changed.filter((row) => !this.#has(row.key) && (row.seq === undefined || row.seq > this.#newest));
		this.#newest = Math.max(this.#newest, ...changed.map((row) => row.seq ?? 0));
		const [first, last] = [this.#first, this.#last];
		// Rows beyond what is loaded, such as an old one that was edited, come with their page.
		const wanted = changed.filter((row) => {
			if (this.#has(row.key)) return true;
			if (row.seq === undefined) return !this.hasLater;
			const notBefore = !this.hasEarlier || first === undefined || row.seq >= first;
			const notAfter = !this.hasLater || last === undefined || row.seq <= last;
			return notBefore && notAfter;
		});
		if (wanted.length > 0) {
			this.prepended = false;
			this.rows = merged(this.rows, wanted);
		}
		if (fresh.length > 0) this.arrived = fresh;
	}

	remove(key: string) {
		this.prepended = false;
		this.rows = this.rows.filter((row) => row.key !== key);
	}

	/** A file of a row that is here got further. */
	showFile(changed: AttachmentView) {
		const index = this.rows.findIndex((row) => row.attachments.some((file) => file.id === changed.id));
		const row = this.rows[index];
		if (!row) return;
		this.prepended = false;
		const attachments = row.attachments.map((file) => (file.id === changed.id ? changed : file));
		this.rows = this.rows.with(index, { ...row, attachments });
	}

	async loadEarlier(): Promise<void> {
		const first = this.#first;
		if (this.loadingEarlier || !this.hasEarlier || first === undefined) return;
		this.loadingEarlier = true;
		await this.#fetch('earlier', async () => {
			const page = await this.#backend.loadEarlier(this.roomId, first);
			if (this.#first !== first) return undefined;
			this.prepended = true;
			this.rows = merged(this.rows, page.messages);
			this.hasEarlier = page.hasEarlier;
			// The list has to see one end change before the other does.
			await tick();
			if (this.rows.length > MOST_ROWS) {
				this.prepended = false;
				this.rows = this.rows.slice(0, MOST_ROWS);
				this.hasLater = true;
			}
			return page.incomplete;
		});
		this.loadingEarlier = false;
	}

	async loadLater(): Promise<void> {
		const last = this.#last;
		if (this.loadingLater || !this.hasLater || last === undefined) return;
		this.loadingLater = true;
		await this.#fetch('later', async () => {
			const page = await this.#backend.loadLater(this.roomId, last);
			if (this.#last !== last) return undefined;
			this.prepended = false;
			this.rows = merged(this.rows, page.messages);
			this.hasLater = page.hasLater;
			await this.forgetEarlier();
			return page.incomplete;
		});
		this.loadingLater = false;
	}

	/** For who is at the end: the oldest of too many rows go. */
	async forgetEarlier(): Promise<void> {
		await tick();
		if (this.rows.length <= MOST_ROWS) return;
		this.prepended = true;
		this.rows = this.rows.slice(-MOST_ROWS);
		this.hasEarlier = true;
		await tick();
	}

	/** For who reads up to `seen`, further up than the end: the newest of too many rows go, but not those just below the eye. */
	forgetLater(seen: Seq) {
		const beyond = this.rows.findIndex((row) => row.seq === undefined || row.seq > seen);
		if (beyond < 0) return;
		const kept = Math.max(MOST_ROWS, beyond + SPARE_ROWS);
		if (this.rows.length <= kept + SPARE_ROWS) return;
		this.prepended = false;
		this.rows = this.rows.slice(0, kept);
		this.hasLater = true;
	}

	/** Shows the end of the room, from wherever this stretch is. */
	async toLatest(): Promise<void> {
		if (this.hasLater) await this.#open();
	}

	/** Asks once more for what could not be had. */
	async retry(): Promise<void> {
		await this.#again();
	}

	/** Brings a place into sight. False if there is no such place. */
	async jump(place: Place | { kind: 'seq'; seq: Seq }): Promise<boolean> {
		let found = false;
		this.nowhere = null;
		const look = async () => {
			const seq = place.kind === 'seq' ? place.seq : await this.#backend.locate(this.roomId, place);
			if (seq === null) {
				if (place.kind !== 'seq') this.nowhere = place.kind;
				return undefined;
			}
			const page = this.#at(seq) ? null : await this.#backend.loadAround(this.roomId, seq);
			if (page && isMissing(page)) return page.incomplete;
			if (page) this.#take(page);
			const row = this.#at(seq) ?? this.rows.find((row) => (row.seq ?? 0) > seq) ?? this.rows.at(-1);
			if (!row) return undefined;
			this.target = { key: row.key };
			found = true;
			return page?.incomplete;
		};
		await this.#fetch('others', look, () => this.jump(place));
		return found;
	}

	get #first(): Seq | undefined {
		return this.rows.find((row) => row.seq !== undefined)?.seq;
	}

	get #last(): Seq | undefined {
		return this.rows.findLast((row) => row.seq !== undefined)?.seq;
	}

	#at(seq: Seq): MessageView | undefined {
		return this.rows.find((row) => row.seq === seq);
	}

	#has(key: string): boolean {
		return this.rows.some((row) => row.key === key);
	}

	/** Another stretch takes the place of this one. */
	#take(page: TimelinePage) {
		this.stretch++;
		this.prepended = false;
		this.rows = ordered(page.messages);
		this.hasEarlier = page.hasEarlier;
		this.hasLater = page.hasLater;
	}

	/** Shows the newest rows in place of these. */
	#open(): Promise<void> {
		this.nowhere = null;
		const open = async () => {
			const { page } = await this.#backend.openRoom(this.roomId);
			this.target = null;
			this.#take(page);
			return page.incomplete;
		};
		return this.#fetch('others', open, () => this.#open());
	}

	/** `step` answers why it did not get all it wanted. */
	async #fetch(
		missing: 'earlier' | 'later' | 'others',
		step: () => Promise<ErrorCode | undefined>,
		again: () => Promise<unknown> = () => (missing === 'earlier' ? this.loadEarlier() : this.loadLater())
	): Promise<void> {
		this.incomplete = undefined;
		let problem: ErrorCode | undefined;
		try {
			problem = await step();
		} catch (failure) {
			problem = failure instanceof BackendError ? failure.code : 'internal';
		}
		if (problem === undefined) return;
		this.incomplete = problem;
		this.missing = missing;
		this.#again = again;
	}
}

/** Whether a page says only that its rows cannot be had: it takes no others' place. */
export function isMissing(page: TimelinePage): boolean {
	return page.messages.length === 0 && page.incomplete !== undefined;
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
