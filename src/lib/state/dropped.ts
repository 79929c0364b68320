/** A file that was dropped on a window whose engine keeps it from the page: the shell reads it, piece by piece. */
import type { Backend } from '$lib/backend/backend';
import type { DroppedFile } from '$lib/backend/bindings/DroppedFile';
import type { Chosen } from './waiting-files.svelte';

export function dropped(backend: Backend, { id, name, size }: DroppedFile): Chosen {
	return {
		name,
		size,
		type: '',
		async slice(start, end) {
			const bytes = await backend.droppedBytes(id, start);
			if (bytes.byteLength !== Math.min(end, size) - start)
				throw new Error('the file has changed since it was dropped');
			return new Blob([bytes]);
		}
	};
}
