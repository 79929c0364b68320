import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, expect, test } from 'vitest';
import { BackendError } from './backend';
import { createTauriBackend } from './tauri';

afterEach(clearMocks);

test('each method calls the command of its name', async () => {
	const heard: string[] = [];
	mockIPC((command) => void heard.push(command));
	const backend = createTauriBackend();
	await backend.openRoom('general');
	await backend.markRead('general', 4);
	await backend.reconnectNow();
	expect(heard).toEqual(['open_room', 'mark_read', 'reconnect_now']);
});

test('a choice that is taken back is named, which JSON would leave out', async () => {
	const heard: unknown[] = [];
	mockIPC((_, payload) => void heard.push(JSON.parse(JSON.stringify(payload))));
	await createTauriBackend().setPreferences({ quietHours: undefined, theme: 'dark' });
	expect(heard).toEqual([{ changed: { quietHours: null, theme: 'dark' } }]);
});

test('a rejection becomes an error with a code; one that Tauri itself makes is internal', async () => {
	mockIPC((command) => {
		throw command === 'sign_out' ? { code: 'keychainLocked', message: 'locked', retryable: true } : 'not allowed';
	});
	const backend = createTauriBackend();
	const refused = await backend.signOut().catch((failure: unknown) => failure);
	expect(refused).toBeInstanceOf(BackendError);
	expect(refused).toMatchObject({ code: 'keychainLocked', retryable: true });
	await expect(backend.reconnectNow()).rejects.toMatchObject({ code: 'internal', retryable: false });
});
