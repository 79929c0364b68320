import { screen, within } from '@testing-library/svelte';
import { fireEvent } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test } from 'vitest';
import { stage } from '../testing/stage';
import RoomList from './RoomList.svelte';

async function list(scene = '', currentRoom?: string) {
	const staged = await stage(scene);
	staged.show(RoomList, { currentRoom, now: new Date() });
	const item = (name: string) => screen.getByRole('link', { name: new RegExp(name) });
	return { ...staged, item };
}
const names = () => screen.queryAllByRole('link').map((link) => link.querySelector('.name')?.textContent);

test('more than fit on a badge are counted in words for who does not see it', async () => {
	const { backend, item } = await list();
	for (let count = 0; count < 120; count++) backend.receive('support', 'yamada', `連絡 ${count}`);
	await tick();
	const badge = item('院内サポート').querySelector<HTMLElement>('.badge');
	expect(badge?.querySelector('[aria-hidden]')?.textContent).toBe('99+');
	expect(within(badge!).getByText('120 unread').className).toBe('visually-hidden');
});

test('a draft is told of in the list, but not of the room one is in', async () => {
	const { backend, item } = await list('', 'general');
	for (const roomId of ['general', 'support']) {
		const draft = { content: '書きかけ', replyTo: null, mentions: [], urgent: false };
		await backend.saveDraft(roomId, draft as unknown as Parameters<typeof backend.saveDraft>[1]);
	}
	await tick();
	expect(within(item('院内サポート')).queryByText('Draft')).not.toBeNull();
	expect(within(item('3階病棟')).queryByText('Draft')).toBeNull();
	expect(item('3階病棟').getAttribute('aria-current')).toBe('page');
	expect(item('院内サポート').getAttribute('aria-current')).toBeNull();
});

test('what waits and what failed are told apart in words', async () => {
	const { chat, room } = await list('state=waiting');
	await expect.poll(() => chat.outbox.failed.length).toBeGreaterThan(0);
	const [failed] = chat.outbox.failed;
	const words = (id: string) =>
		document.querySelector(`[data-room-id=${id}] .unsent .visually-hidden`)?.textContent ?? undefined;
	await expect.poll(() => words(failed!.roomId)).toMatch(/could not be sent/);
	const waiting = chat.roomList.filter(
		({ id, unsent }) => unsent > 0 && !chat.outbox.failed.some((row) => row.roomId === id)
	);
	for (const { id } of waiting) expect(words(id)).toBe(`${room(id).unsent} not sent`);
});

test('a message that was withdrawn shows nothing of what it said', async () => {
	const { backend, item } = await list();
	const said = backend.receive('support', 'yamada', '部屋を間違えました');
	await tick();
	expect(item('院内サポート').textContent).toContain('部屋を間違えました');
	backend.publish({
		kind: 'roomUpserted',
		room: {
			...(await backend.openRoom('support')).room,
			lastMessage: { authorName: said.author.name, own: false, preview: '', deleted: true, createdAt: said.createdAt }
		}
	} as Parameters<typeof backend.publish>[0]);
	await tick();
	expect(item('院内サポート').textContent).not.toContain('部屋を間違えました');
	expect(item('院内サポート').textContent).toContain('Message withdrawn');
});

test('that there is no room is said only once the server has said so', async () => {
	const { backend } = await list('state=empty');
	backend.setOnline(true);
	await expect.poll(() => screen.queryByText('You are not in any room yet')).not.toBeNull();
	backend.setOnline(false);
	await expect.poll(() => screen.queryByText('The list of rooms is not here yet')).not.toBeNull();
	expect(screen.queryByText('You are not in any room yet')).toBeNull();
});

test('the filter says when nothing matches, and what was there comes back when it is cleared', async () => {
	await list();
	const all = names();
	expect(all.length).toBeGreaterThan(3);
	const filter = screen.getByRole('searchbox', { name: 'Filter rooms' });
	await fireEvent.input(filter, { target: { value: 'どこにもない' } });
	expect(names()).toEqual([]);
	expect(screen.queryByText('No room matches')).not.toBeNull();
	await fireEvent.input(filter, { target: { value: '' } });
	expect(names()).toEqual(all);
});

test('with a server of the guide rooms are added by their ID, and no conversation is begun', async () => {
	await list('state=baseline');
	expect(screen.queryByTestId('new-room-open')).toBeNull();
	expect(screen.queryByRole('button', { name: 'Add room' })).not.toBeNull();
});
