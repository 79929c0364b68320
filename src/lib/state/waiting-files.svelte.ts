/**
 * Files that wait in composers, of all rooms: chosen here, handed over to core piece by piece, and sent with a message.
 *
 * Invariants: a file is handed over in order and one at a time, whichever room is open; one that cannot be sent stays visible
 * with why until the person takes it away; what goes with a message waits in no composer, and stands there again if the message
 * did not go out.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { AttachmentView } from '$lib/backend/bindings/AttachmentView';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import { uuidv7 } from './uuid';

/** The largest file that core takes, in bytes. A server may take less, which it says when the file gets there. */
export const MAX_FILE_BYTES = 25 * 1024 * 1024;
/** The most files of one message; `limits::MAX_LIST_ITEMS` of the wire contract. */
export const MAX_FILES = 50;
/** Core takes as much at once. */
const PIECE_BYTES = 512 * 1024;

/** Why a file cannot be sent. `interrupted`: it was not whole when the page that read it went away. */
export type FileProblem = ErrorCode | 'interrupted' | 'tooMany';

/** What was chosen, as much as is needed to hand it over: a `File`, or one that the shell reads. */
export type Chosen = Pick<File, 'name' | 'type' | 'size'> & {
	slice(start: number, end: number): Blob | Promise<Blob>;
};

export interface WaitingFile {
	view: AttachmentView;
	problem?: FileProblem;
}

export class WaitingFiles {
	readonly #backend: Backend;

	readonly #rooms = new SvelteMap<RoomId, WaitingFile[]>();
	/** What is being read, by its id; kept after a failure, so that it can be tried again. */
	readonly #sources = new Map<string, Chosen>();
	/** What has left with a message that core does not have yet. */
	readonly #taken = new Map<string, WaitingFile>();
	#turn: Promise<void> = Promise.resolve();

	constructor(backend: Backend) {
		this.#backend = backend;
	}

	/** The files in a room's composer, in the order they were chosen. */
	of(roomId: RoomId): WaitingFile[] {
		return this.#rooms.get(roomId) ?? [];
	}

	/** Whether all of a room's files can be sent now. */
	ready(roomId: RoomId): boolean {
		return this.of(roomId).every((file) => file.problem === undefined && file.view.state.kind !== 'reading');
	}

	/** What core has for a room's composer. */
	adopt(roomId: RoomId, views: AttachmentView[]) {
		const known = new Map(this.of(roomId).map((file) => [file.view.id, file]));
		const here = views
			.filter((view) => !this.#taken.has(view.id))
			.map((view): WaitingFile => {
				const file = known.get(view.id);
				known.delete(view.id);
				if (file) return file;
				return view.state.kind === 'reading' ? { view, problem: 'interrupted' } : { view };
			});
		// What core has refused, or has not heard of yet, is known here only.
		const others = [...known.values()].filter(({ view, problem }) => problem || this.#sources.has(view.id));
		this.#rooms.set(roomId, [...here, ...others]);
	}

	/** Puts files into a room's composer and hands them over. Resolves once all of them are. */
	async add(roomId: RoomId, files: Chosen[]): Promise<void> {
		for (const file of files) {
			const view: AttachmentView = {
				id: uuidv7(),
				name: file.name,
				mediaType: file.type || 'application/octet-stream',
				size: file.size,
				state: { kind: 'reading', bytes: 0 }
			};
			const problem = this.#refusal(roomId, file);
			this.#rooms.set(roomId, [...this.of(roomId), { view, problem }]);
			if (problem) continue;
			this.#sources.set(view.id, file);
			this.#queue(roomId, view);
		}
		await this.#turn;
	}

	/** Hands a file over again that failed on its way to core. */
	async retry(roomId: RoomId, id: string): Promise<void> {
		const file = this.#find(roomId, id);
		if (!file || !this.canRetry(file)) return;
		this.#put(roomId, { view: file.view });
		this.#queue(roomId, file.view);
		await this.#turn;
	}

	canRetry(file: WaitingFile): boolean {
		return file.problem !== undefined && this.#sources.has(file.view.id);
	}

	async remove(roomId: RoomId, id: string): Promise<void> {
		this.#sources.delete(id);
		this.#rooms.set(
			roomId,
			this.of(roomId).filter((file) => file.view.id !== id)
		);
		// One that core never took is not there to be removed.
		await this.#backend.removeAttachment(id).catch(() => {});
	}

	/**
	 * Copies files of a room to go with a message to another, all or none, and answers the names of the copies. They stand in no
	 * composer meanwhile, as those that {@link take} takes.
	 */
	async copy(from: RoomId, files: AttachmentView[], to: RoomId): Promise<string[]> {
		const copies: string[] = [];
		try {
			for (const view of files) {
				const id = uuidv7();
				copies.push(id);
				this.#taken.set(id, { view: { ...view, id } });
				this.#taken.set(id, { view: await this.#backend.copyAttachment(from, view.id, to, id) });
			}
		} catch (failure) {
			await this.drop(copies);
			throw failure;
		}
		return copies;
	}

	/** Files that were taken are not wanted any more. */
	async drop(ids: string[]): Promise<void> {
		await Promise.all(ids.map((id) => this.#backend.removeAttachment(id).catch(() => {})));
		this.gone(ids);
	}

	/** Takes a room's files out of its composer, to go with a message. */
	take(roomId: RoomId): string[] {
		const files = this.of(roomId);
		for (const file of files) this.#taken.set(file.view.id, file);
		this.#rooms.delete(roomId);
		return files.map((file) => file.view.id);
	}

	/** The message they went with has reached core. */
	gone(ids: string[]) {
		for (const id of ids) this.#taken.delete(id);
	}

	/** The message they went with did not go out: they stand before what has been chosen since. */
	giveBack(roomId: RoomId, ids: string[]) {
		const back = ids.flatMap((id) => this.#taken.get(id) ?? []);
		this.gone(ids);
		this.#rooms.set(roomId, [...back, ...this.of(roomId)]);
	}

	/** The session ended: its files are not for another. */
	clear() {
		this.#rooms.clear();
		this.#sources.clear();
		this.#taken.clear();
	}

	#refusal(roomId: RoomId, file: Chosen): FileProblem | undefined {
		if (file.size === 0) return 'empty';
		if (file.size > MAX_FILE_BYTES) return 'fileTooLarge';
		return this.of(roomId).filter((other) => other.problem === undefined).length >= MAX_FILES ? 'tooMany' : undefined;
	}

	#queue(roomId: RoomId, view: AttachmentView) {
		this.#turn = this.#turn.then(() => this.#handOver(roomId, view));
	}

	async #handOver(roomId: RoomId, { id, name, size }: AttachmentView): Promise<void> {
		const source = this.#sources.get(id);
		if (!source) return;
		try {
			await this.#backend.addAttachment({ id, roomId, name, size });
			for (let offset = 0; offset < size; offset += PIECE_BYTES) {
				const bytes = await base64(await source.slice(offset, offset + PIECE_BYTES));
				if (!this.#sources.has(id)) {
					// Taken away meanwhile, perhaps before core had it.
					await this.#backend.removeAttachment(id);
					return;
				}
				this.#put(roomId, { view: await this.#backend.addAttachmentBytes(id, offset, bytes) });
			}
			this.#sources.delete(id);
		} catch (failure) {
			const file = this.#find(roomId, id);
			// A file that cannot be read any more has no code: it was moved, or its drive is gone.
			const problem = failure instanceof BackendError ? failure.code : 'interrupted';
			if (file) this.#put(roomId, { view: file.view, problem });
		}
	}

	#find(roomId: RoomId, id: string): WaitingFile | undefined {
		return this.of(roomId).find((file) => file.view.id === id);
	}

	#put(roomId: RoomId, changed: WaitingFile) {
		if (!this.#sources.has(changed.view.id)) return;
		this.#rooms.set(
			roomId,
			this.of(roomId).map((file) => (file.view.id === changed.view.id ? changed : file))
		);
	}
}

function base64(piece: Blob): Promise<string> {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
		reader.onerror = () => reject(reader.error ?? new Error('the file cannot be read'));
		reader.readAsDataURL(piece);
	});
}
