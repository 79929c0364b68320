/** Chooses the host: the shell inside the real window, the fake in a plain browser. */
import { isTauri } from '@tauri-apps/api/core';
import type { Backend } from './backend';
import { createFakeBackend } from './fake';
import { createTauriBackend } from './tauri';

export function createBackend(): Backend {
	if (isTauri()) return createTauriBackend();
	const fakeBackend = createFakeBackend(new URLSearchParams(location.search));
	// So that whoever works on the interface, or tests it, can let something happen.
	Object.assign(window, { fakeBackend });
	return fakeBackend;
}

export { BackendError, type Backend } from './backend';
