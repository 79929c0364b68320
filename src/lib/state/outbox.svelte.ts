/**
 * Own messages of all rooms that have not reached the server, in the order they go out.
 *
 * Invariants: core's answer is the truth, and is asked for again whenever something may have changed it; what a change says
 * of a row that is here is shown at once; however many changes come, one question is under way, and they wait for the next.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ClientMessageId } from '$lib/backend/bindings/ClientMessageId';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';

/** Between two questions: a thousand messages that go out after an outage are not a thousand questions. */
const PAUSE_MS = 200;

export class Outbox {
	readonly #backend: Backend;

	rows = $state.raw<MessageView[]>([]);
	/** Why the rows could not be had; those of the last answer stay. */
	problem = $state<ErrorCode | null>(null);

	#asking = false;
	#again = false;
	/** What has left since the question that is under way, whose answer may be older. */
	readonly #gone = new Set<string>();
	/** The session this belongs to: an answer to an earlier one's question is not taken. */
	#session = 0;

	constructor(backend: Backend) {
		this.#backend = backend;
	}

	failed = $derived(this.rows.filter((row) => row.delivery === 'failed'));

	/** The rooms count this many; another number than here means there is something new. */
	expect(unsent: number) {
		if (unsent !== this.rows.length) this.#ask();
	}

	upsert(changed: MessageView[]) {
		const own = changed.filter((row) => row.own);
		if (own.length === 0) return;
		for (const row of own) if (row.seq !== undefined) this.#gone.add(row.key);
		const known = new Map(own.map((row) => [row.key, row]));
		const mine = this.rows.some((row) => known.has(row.key));
		if (mine) {
			this.rows = this.rows.map((row) => known.get(row.key) ?? row).filter((row) => row.seq === undefined);
		}
		// What is new here belongs where core says.
		if (mine || own.some((row) => row.seq === undefined)) this.#ask();
	}

	remove(key: string) {
		this.#gone.add(key);
		this.rows = this.rows.filter((row) => row.key !== key);
	}

	/** Puts a failed message back into the queue. */
	async retry(row: MessageView): Promise<void> {
		if (row.clientMessageId) await this.#backend.retryMessage(row.clientMessageId);
	}

	/** In the order they were written; the first that cannot be put back ends it. */
	async retryAll(): Promise<void> {
		for (const row of this.failed) await this.retry(row);
	}

	/** Takes a message back. False if it is on its way already, and so goes out all the same. */
	async discard(clientMessageId: ClientMessageId): Promise<boolean> {
		await this.#backend.discardMessage(clientMessageId);
		const left = await this.#backend.unsentMessages();
		if (left.some((row) => row.clientMessageId === clientMessageId)) return false;
		this.rows = this.rows.filter((row) => row.clientMessageId !== clientMessageId);
		return true;
	}

	clear() {
		this.#session++;
		this.rows = [];
		this.problem = null;
	}

	#ask() {
		if (this.#asking) this.#again = true;
		else void this.#fetch();
	}

	async #fetch(): Promise<void> {
		this.#asking = true;
		do {
			this.#again = false;
			this.#gone.clear();
			const session = this.#session;
			try {
				const rows = await this.#backend.unsentMessages();
				if (session === this.#session) {
					this.rows = rows.filter((row) => !this.#gone.has(row.key));
					this.problem = null;
				}
			} catch (failure) {
				if (session === this.#session) this.problem = failure instanceof BackendError ? failure.code : 'internal';
			}
			if (this.#again) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		} while (this.#again);
		this.#asking = false;
	}
}
