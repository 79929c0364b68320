import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';
import { Composer, MAX_CHARS } from './composer.svelte';

let backend: FakeBackend;
let composer: Composer;
const inputs = (name: string) => backend.calls.filter((call) => call.name === name).map((call) => call.input);

/** A composer in a room, as its page makes it. */
async function compose(backend: FakeBackend, roomId = 'general') {
	return new Composer(new Chat(backend), await backend.openRoom(roomId));
}

beforeEach(async () => {
	vi.useFakeTimers();
	backend = createFakeBackend();
	composer = await compose(backend);
});
afterEach(() => vi.useRealTimers());

describe('the composer', () => {
	test('sends once however often send is pressed, and is then empty', async () => {
		composer.input('了解しました');
		await Promise.all([composer.send(), composer.send(), composer.send()]);
		expect(inputs('sendMessage')).toHaveLength(1);
		expect(composer.text).toBe('');
	});

	test('keeps the text and says why when sending fails', async () => {
		backend.failNext('sendMessage', 'diskFull');
		composer.input('大事な所見');
		await composer.send();
		expect(composer.text).toBe('大事な所見');
		expect(composer.problem).toBe('diskFull');
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: '大事な所見' });
	});

	test('is free for the next message at once, and keeps both when the first fails', async () => {
		composer.input('一つ目');
		const sent = composer.send();
		expect(composer.text).toBe('');
		composer.input('二つ目');
		await sent;
		expect(composer.text).toBe('二つ目');

		backend.failNext('sendMessage', 'diskFull');
		const failed = composer.send();
		composer.input('三つ目');
		await failed;
		expect(composer.text).toBe('二つ目\n三つ目');
	});

	test('saves the draft a moment after the last keystroke, and at once on leaving', async () => {
		composer.input('あ');
		composer.input('あい');
		await vi.advanceTimersByTimeAsync(200);
		expect(inputs('saveDraft')).toMatchObject([{ content: 'あい' }]);
		composer.input('あいう');
		await composer.leave();
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: 'あいう' });
	});

	test('keeps a pasted megabyte and refuses to send it', async () => {
		const paste = 'あ'.repeat(1_000_000);
		composer.input(paste);
		await composer.send();
		expect(composer.over).toBeGreaterThan(0);
		expect(inputs('sendMessage')).toHaveLength(0);
		expect(composer.text).toBe(paste);
	});

	test('counts characters, not code units', () => {
		composer.input('😀'.repeat(MAX_CHARS));
		expect(composer.over).toBe(0);
		composer.input('😀'.repeat(MAX_CHARS) + 'a');
		expect(composer.over).toBe(1);
	});

	test('says that someone writes at most every three seconds, and that they stopped after five', async () => {
		for (let second = 0; second < 4; second++) {
			composer.input('x'.repeat(second + 1));
			await vi.advanceTimersByTimeAsync(1_000);
		}
		expect(inputs('setTyping')).toEqual([
			expect.objectContaining({ isTyping: true }),
			expect.objectContaining({ isTyping: true })
		]);
		await vi.advanceTimersByTimeAsync(5_000);
		expect(inputs('setTyping').at(-1)).toMatchObject({ isTyping: false });
	});
});

test('a fast writer loses nothing: what is sent while the last is on its way goes after it, in order', async () => {
	const backend = createFakeBackend();
	const composer = await compose(backend);
	composer.input('一');
	const first = composer.send();
	composer.input('二');
	await Promise.all([first, composer.send()]);
	const sent = backend.calls
		.filter((call) => call.name === 'sendMessage')
		.map((call) => (call.input as { content: string }).content);
	expect(sent).toEqual(['一', '二']);
});

test('what failed and is sent again unchanged is the same message; changed, it is another', async () => {
	const backend = createFakeBackend();
	const composer = await compose(backend);
	const ids = () =>
		backend.calls
			.filter((call) => call.name === 'sendMessage')
			.map((call) => (call.input as { clientMessageId: string }).clientMessageId);
	for (const text of ['報告', '報告', '報告です']) {
		if (text !== '報告です') backend.failNext('sendMessage', 'storeFailed');
		composer.input(text);
		await composer.send();
	}
	const [first, second, third] = ids();
	expect(second).toBe(first);
	expect(third).not.toBe(first);
});

describe('an answer, an edit, a mention', () => {
	const row = async (id: string) => (await backend.messageDetails('general', id)).message;
	beforeEach(async () => {
		vi.useRealTimers();
		await backend.saveDraft('general', { content: '書きかけ', mentions: [] });
		composer = await compose(backend);
	});

	test('an answer names what it answers, once', async () => {
		composer.reply(await row('m-general-3'));
		composer.input('了解');
		await composer.send();
		composer.input('次');
		await composer.send();
		expect(inputs('sendMessage')).toEqual([
			expect.objectContaining({ content: '了解', replyTo: 'm-general-3' }),
			expect.not.objectContaining({ replyTo: expect.anything() })
		]);
	});

	test('a draft comes back with what it answers and whom it names', async () => {
		composer.reply(await row('m-general-3'));
		composer.mention({ id: 'yamada', name: '山田 さくら', userType: 'clinician' }, 4, 4);
		await composer.leave();
		const again = await compose(backend);
		expect(again.replyTo).toMatchObject({ messageId: 'm-general-3', authorName: '山田 さくら' });
		await again.send();
		expect(inputs('sendMessage')).toMatchObject([
			{ content: '書きかけ@山田 さくら ', replyTo: 'm-general-3', mentions: ['yamada'] }
		]);
	});

	test('an answer that fails is still an answer', async () => {
		composer.reply(await row('m-general-3'));
		backend.failNext('sendMessage', 'diskFull');
		await composer.send();
		expect(composer.replyTo).toMatchObject({ messageId: 'm-general-3' });
		composer.edit(await row('m-general-2'));
		composer.back();
		expect([composer.text, composer.replyTo?.messageId]).toEqual(['書きかけ', 'm-general-3']);
	});

	test('an edit never touches the draft', async () => {
		composer.edit(await row('m-general-2'));
		expect([composer.text, composer.canSend]).toEqual(['承知しました。夜勤からの申し送りは終わっています。', false]);
		composer.input('直しました');
		await composer.leave();
		expect(inputs('saveDraft').at(-1)).toMatchObject({ content: '書きかけ' });
		await composer.send();
		expect(inputs('editMessage')).toEqual([{ roomId: 'general', messageId: 'm-general-2', content: '直しました' }]);
		expect([composer.text, composer.editing]).toEqual(['書きかけ', null]);
	});

	test('an edit that was begun goes on where the room is opened again, until it is sent', async () => {
		const chat = new Chat(backend);
		await chat.start();
		const opened = () => backend.openRoom('general');
		composer = new Composer(chat, await opened());
		composer.edit(await row('m-general-2'));
		composer.input('直しかけ');
		await composer.leave();
		composer = new Composer(chat, await opened());
		expect([composer.editing?.id, composer.text]).toEqual(['m-general-2', '直しかけ']);
		composer.back();
		expect([composer.editing, composer.text]).toEqual([null, '書きかけ']);
		composer = new Composer(chat, await opened());
		expect([composer.editing, composer.text], 'who left it is not led back').toEqual([null, '書きかけ']);
		composer.edit(await row('m-general-2'));
		expect(composer.text).toBe('直しかけ');
		composer.pageHides();

		const next = new Chat(backend);
		await next.start();
		composer = new Composer(next, await opened());
		expect([composer.editing?.id, composer.text]).toEqual(['m-general-2', '直しかけ']);
		await composer.send();
		expect(inputs('editMessage')).toMatchObject([{ content: '直しかけ' }]);
		await composer.leave();
		expect(new Composer(next, await opened()).editing).toBeNull();
	});

	test('an edit that was begun is there after a lock, until it is sent or given up', async () => {
		composer.edit(await row('m-general-2'));
		composer.input('直しかけ');
		await composer.leave();
		// The page of before, and all it held, is gone.
		composer = await compose(backend);
		expect([composer.editing?.id, composer.text]).toEqual(['m-general-2', '直しかけ']);
		composer.back();
		await composer.leave();
		composer = await compose(backend);
		expect([composer.editing, composer.text]).toEqual([null, '書きかけ']);

		composer.edit(await row('m-general-2'));
		composer.input('直しました');
		await vi.waitFor(() => expect(inputs('saveEdit').at(-1)).toMatchObject({ edit: { content: '直しました' } }));
		await composer.send();
		expect(inputs('saveEdit').at(-1)).toEqual({ roomId: 'general', edit: null });
		expect((await compose(backend)).editing).toBeNull();
	});

	test('an edit that fails stays, with the reason', async () => {
		composer.edit(await row('m-general-2'));
		backend.setOnline(false);
		composer.input('直しました');
		await composer.send();
		expect([composer.text, composer.problem]).toEqual(['直しました', 'unreachable']);
		composer.back();
		expect(composer.text).toBe('書きかけ');
	});

	test('only who is still named in the text is told', async () => {
		const user = (id: string, name: string) => ({ id, name, userType: 'clinician' as const });
		composer.input('@さ');
		composer.mention(user('suzuki', '鈴木 健一'), 0, 2);
		const end = composer.mention(user('yamada', '山田 さくら'), composer.text.length, composer.text.length);
		expect(composer.text).toBe('@鈴木 健一 @山田 さくら ');
		expect(end).toBe(composer.text.length);
		composer.input('@山田 さくら お願いします');
		await composer.send();
		expect(inputs('sendMessage')).toEqual([expect.objectContaining({ mentions: ['yamada'] })]);
	});

	test('urgent holds for one message', async () => {
		composer.urgent = true;
		composer.input('至急');
		await composer.send();
		composer.input('普通');
		await composer.send();
		expect(inputs('sendMessage').map((input) => (input as { priority?: string }).priority)).toEqual([
			'urgent',
			undefined
		]);
	});
});
