/**
 * The files of the fake backend: handing over, sending, fetching, and pictures drawn here.
 *
 * They behave as core's do where the interface can see it: a file is whole once all its bytes are here, goes to the server
 * before its message, and what it is follows from its beginning, not from its name.
 */
import { BackendError } from './backend';
import type { AttachmentState } from './bindings/AttachmentState';
import type { AttachmentView } from './bindings/AttachmentView';
import type { DragView } from './bindings/DragView';
import type { NewAttachment } from './bindings/NewAttachment';
import type { PictureSize } from './bindings/PictureSize';
import type { ViewChange } from './bindings/ViewChange';

const MAX_FILE_BYTES = 25 * 1024 * 1024;
/** What files begin with. */
const BEGINNINGS: [bytes: string, mediaType: string][] = [
	['\x89PNG', 'image/png'],
	['\xff\xd8\xff', 'image/jpeg'],
	['GIF8', 'image/gif'],
	['%PDF', 'application/pdf']
];
const THUMBNAIL_PX = 320;
/** So much of a dropped file is had at once. */
const PIECE_BYTES = 512 * 1024;

interface FakeFile {
	view: AttachmentView;
	roomId: string;
	/** What was handed over. */
	bytes: Uint8Array<ArrayBuffer>;
	/** Whether it waits in a composer. */
	composing: boolean;
}

export class FakeFiles {
	readonly #files = new Map<string, FakeFile>();

	/** What was dropped, by the number it is read by. */
	readonly #dropped: Uint8Array<ArrayBuffer>[] = [];
	onDrag: (drag: DragView) => void = () => {};

	constructor(private readonly publish: (change: ViewChange) => void) {}

	/** Files are let go over the window of an engine that keeps them from the page. `size`: what is said of it, whatever is there. */
	drop(given: { name: string; bytes: number[]; size?: number }[]) {
		const files = given.map(({ name, bytes, size = bytes.length }) => ({
			id: this.#dropped.push(Uint8Array.from(bytes)) - 1,
			name,
			size
		}));
		this.onDrag({ kind: 'dropped', files });
	}

	dropped(id: number, offset: number): ArrayBuffer {
		const bytes = this.#dropped[id];
		if (!bytes) throw new BackendError('notFound', 'no such file was dropped', false);
		return bytes.slice(offset, offset + PIECE_BYTES).buffer;
	}

	/** A file that a message of the samples carries. */
	have(roomId: string, view: AttachmentView) {
		this.#files.set(view.id, { view, roomId, bytes: new Uint8Array(view.size), composing: false });
	}

	add({ id, roomId, name, size }: NewAttachment): AttachmentView {
		if (size === 0) throw new BackendError('empty', 'no byte in it', false);
		if (size > MAX_FILE_BYTES) throw new BackendError('fileTooLarge', 'too large', false);
		const known = this.#files.get(id);
		if (known) return known.view;
		const view: AttachmentView = {
			id,
			name,
			mediaType: 'application/octet-stream',
			size,
			state: { kind: 'reading', bytes: 0 }
		};
		this.#files.set(id, { view, roomId, bytes: new Uint8Array(size), composing: true });
		return view;
	}

	addBytes(id: string, offset: number, base64: string): AttachmentView {
		const file = this.file(id);
		const { state, size } = file.view;
		if (state.kind !== 'reading') return file.view;
		if (offset > state.bytes) throw new BackendError('refused', 'a piece is missing', false);
		const piece = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
		file.bytes.set(piece, offset);
		const bytes = Math.max(state.bytes, offset + piece.length);
		const beginning = String.fromCharCode(...file.bytes.slice(0, 4));
		const mediaType = BEGINNINGS.find(([known]) => beginning.startsWith(known))?.[1] ?? 'application/octet-stream';
		file.view = {
			...file.view,
			mediaType,
			state: bytes < size ? { kind: 'reading', bytes } : { kind: 'waiting' }
		};
		return file.view;
	}

	copy(id: string, roomId: string, copyId: string): AttachmentView {
		const { view, bytes } = this.file(id);
		const copy: AttachmentView = { ...view, id: copyId, state: { kind: 'waiting' } };
		this.#files.set(copyId, { view: copy, roomId, bytes, composing: true });
		return copy;
	}

	remove(id: string) {
		if (this.#files.get(id)?.composing) this.#files.delete(id);
	}

	composing(roomId: string): AttachmentView[] {
		return [...this.#files.values()].filter((file) => file.composing && file.roomId === roomId).map(({ view }) => view);
	}

	/** Moves files from their composer to a message. */
	attach(ids: string[]): AttachmentView[] {
		return ids.map((id) => {
			const file = this.file(id);
			if (file.view.state.kind !== 'waiting') throw new BackendError('notFound', 'not in the composer', false);
			file.composing = false;
			return file.view;
		});
	}

	/** Brings a file a step further and says so. */
	move(id: string, state: AttachmentState): AttachmentView {
		const file = this.file(id);
		const isPicture = file.view.mediaType.startsWith('image/');
		const measured = state.kind === 'here' && isPicture && file.view.width === undefined;
		file.view = { ...file.view, ...(measured && { width: 1280, height: 960 }), state };
		this.publish({ kind: 'attachmentChanged', roomId: file.roomId, attachment: file.view });
		return file.view;
	}

	async picture(id: string, size: PictureSize): Promise<ArrayBuffer> {
		const { view, bytes } = this.file(id);
		if (!view.mediaType.startsWith('image/')) throw new BackendError('unsupportedType', 'no picture', false);
		if (bytes.some((byte) => byte !== 0)) return bytes.slice().buffer;
		const scale = size === 'full' ? 1 : Math.min(1, THUMBNAIL_PX / Math.max(view.width ?? 1, view.height ?? 1));
		return draw(Math.round((view.width ?? 640) * scale), Math.round((view.height ?? 480) * scale));
	}

	file(id: string): FakeFile {
		const file = this.#files.get(id);
		if (!file) throw new BackendError('notFound', 'no such file', false);
		return file;
	}
}

/** A picture of nothing in particular: bars of a chart over a sky. */
async function draw(width: number, height: number): Promise<ArrayBuffer> {
	const canvas = document.createElement('canvas');
	canvas.width = width;
	canvas.height = height;
	const context = canvas.getContext('2d');
	if (!context) throw new BackendError('internal', 'nothing to draw with', false);
	const sky = context.createLinearGradient(0, 0, 0, height);
	sky.addColorStop(0, '#cfe6ee');
	sky.addColorStop(1, '#f7efe2');
	context.fillStyle = sky;
	context.fillRect(0, 0, width, height);
	context.fillStyle = '#0a6a73';
	for (let bar = 0; bar < 12; bar++) {
		const tall = (0.25 + 0.2 * Math.sin(bar * 1.3) + 0.03 * bar) * height;
		context.fillRect(((bar + 0.5) * width) / 13, height - tall, width / 26, tall);
	}
	const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
	if (!blob) throw new BackendError('internal', 'nothing was drawn', false);
	return blob.arrayBuffer();
}
