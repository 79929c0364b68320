import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';
import { Composer } from './composer.svelte';
import { HOLD_MS } from './held.svelte';
import { MAX_FILE_BYTES, MAX_FILES, WaitingFiles } from './waiting-files.svelte';

let backend: FakeBackend;
let files: WaitingFiles;
beforeEach(() => {
	backend = createFakeBackend();
	files = new WaitingFiles(backend);
});

const file = (name: string, content: BlobPart = 'text') => new File([content], name);
/** A file of this size, without its bytes. */
const sized = (name: string, size: number) => Object.defineProperty(file(name), 'size', { value: size });
const names = (roomId = 'general') => files.of(roomId).map(({ view }) => view.name);
const calls = (name: string) => backend.calls.filter((call) => call.name === name).map((call) => call.input);

describe('files in a composer', () => {
	test('are handed over in pieces of half a mebibyte, whole and in order', async () => {
		const bytes = Uint8Array.from({ length: 1_200_000 }, (_, index) => index % 251);
		await files.add('general', [file('a.bin', bytes), file('b.txt')]);
		expect(calls('addAttachmentBytes').map((input) => (input as { offset: number }).offset)).toEqual([
			0, 524_288, 1_048_576, 0
		]);
		expect(files.of('general').map(({ view }) => [view.name, view.state.kind])).toEqual([
			['a.bin', 'waiting'],
			['b.txt', 'waiting']
		]);
		expect(files.ready('general')).toBe(true);
	});

	test('that are empty, too large or too many are kept back with the reason, and core never hears of them', async () => {
		await files.add('general', [file('empty', ''), sized('large', MAX_FILE_BYTES + 1)]);
		expect(files.of('general').map((file) => file.problem)).toEqual(['empty', 'fileTooLarge']);
		expect(files.ready('general')).toBe(false);
		expect(calls('addAttachment')).toEqual([]);
		await files.add(
			'support',
			Array.from({ length: MAX_FILES + 1 }, (_, index) => file(`${index}`))
		);
		expect(files.of('support').filter((file) => file.problem === 'tooMany')).toHaveLength(1);
	});

	test('that are taken away while they are read are gone everywhere', async () => {
		const adding = files.add('general', [file('long', new Uint8Array(2_000_000).fill(1))]);
		const [first] = files.of('general');
		await files.remove('general', first?.view.id ?? '');
		await adding;
		expect([names(), (await backend.openRoom('general')).attachments]).toEqual([[], []]);
	});

	test('that failed are read again when asked', async () => {
		backend.failNext('addAttachmentBytes', 'diskFull');
		await files.add('general', [file('x')]);
		const [failed] = files.of('general');
		expect(failed?.problem).toBe('diskFull');
		await files.retry('general', failed?.view.id ?? '');
		expect(files.of('general')).toMatchObject([{ view: { state: { kind: 'waiting' } } }]);
		expect(files.ready('general')).toBe(true);
	});

	test('of which the page lost hold in the middle say so', async () => {
		await backend.addAttachment({ id: 'cut', roomId: 'general', name: 'cut.bin', size: 9 });
		files.adopt('general', (await backend.openRoom('general')).attachments);
		expect(files.of('general')).toMatchObject([{ problem: 'interrupted' }]);
		expect(files.ready('general')).toBe(false);
	});

	test('still being read are not taken for lost when their room is opened again', async () => {
		const adding = files.add('general', [file('long', new Uint8Array(2_000_000).fill(1))]);
		files.adopt('general', (await backend.openRoom('general')).attachments);
		expect(files.of('general').map((file) => file.problem)).toEqual([undefined]);
		await adding;
		expect(files.ready('general')).toBe(true);
	});
});

describe('files and their message', () => {
	let chat: Chat;
	const compose = async (roomId: string, guarded = false) =>
		new Composer(chat, await backend.openRoom(roomId), guarded);
	beforeEach(async () => {
		window.name = '';
		chat = new Chat(backend);
		await chat.start();
		files = chat.files;
	});

	test('go together, and a failure brings both back', async () => {
		const composer = await compose('general');
		await files.add('general', [file('x')]);
		composer.input('with a file');
		backend.failNext('sendMessage', 'diskFull');
		await composer.send();
		expect([composer.text, names(), composer.problem]).toEqual(['with a file', ['x'], 'diskFull']);
		await composer.send();
		const [first, second] = calls('sendMessage') as { clientMessageId: string; attachments: string[] }[];
		expect(second).toEqual(first);
		expect([second?.attachments.length, names()]).toEqual([1, []]);
	});

	test('a message may consist of files alone, and of files that are still read never', async () => {
		const composer = await compose('general');
		const adding = files.add('general', [file('x', new Uint8Array(600_000).fill(1))]);
		expect(composer.canSend).toBe(false);
		await adding;
		expect(composer.canSend).toBe(true);
	});

	test('held back for a patient they are in no composer, and the undo brings them back', async () => {
		const composer = await compose('patient-tanaka', true);
		await files.add('patient-tanaka', [file('x')]);
		await composer.send();
		expect(names('patient-tanaka')).toEqual([]);
		// Opened again meanwhile: core still has it in the composer.
		await compose('patient-tanaka', true);
		expect(names('patient-tanaka')).toEqual([]);
		const [held] = chat.held.messages;
		if (held) chat.held.undo(held);
		expect(names('patient-tanaka')).toEqual(['x']);
	});

	test('held back and not taken by core, they are offered again', async () => {
		const composer = await compose('patient-tanaka', true);
		await files.add('patient-tanaka', [file('x')]);
		backend.failNext('sendMessage', 'diskFull');
		await composer.send();
		await expect.poll(() => names('patient-tanaka'), { timeout: HOLD_MS * 2 }).toEqual(['x']);
		expect((await compose('patient-tanaka', true)).problem).toBe('diskFull');
	}, 15_000);
});
