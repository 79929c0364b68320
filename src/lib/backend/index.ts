/** Chooses the host: the shell inside the real window, the fake in a plain browser. */
import { isTauri } from '@tauri-apps/api/core';
import type { Backend } from './backend';
import { createFakeBackend } from './fake';
import { createTauriBackend } from './tauri';

export function createBackend(): Backend {
	return isTauri() ? createTauriBackend() : createFakeBackend(new URLSearchParams(location.search));
}

export { BackendError, type Backend } from './backend';
