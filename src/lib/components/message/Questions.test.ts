import { fireEvent, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test } from 'vitest';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { MessageActions } from '$lib/state/actions.svelte';
import { stage } from '../testing/stage';
import Questions from './Questions.svelte';
import Toolbar from './Toolbar.svelte';

async function scene(of = '') {
	const staged = await stage(of);
	const actions = new MessageActions(
		staged.backend,
		(row, to) => staged.chat.forward(row, to),
		() => staged.chat.session,
		() => null,
		async () => {}
	);
	const { page } = await staged.backend.openRoom('general');
	const own = page.messages.findLast((row) => row.own && row.content !== '')!;
	const other = page.messages.findLast((row) => !row.own && row.content !== '')!;
	/** What a row offers, read out. */
	const tools = (row: MessageView) => {
		const { container, unmount } = staged.show(Toolbar, { row, actions });
		const names = within(container)
			.getAllByRole('button')
			.map((button) => button.getAttribute('aria-label'));
		unmount();
		return names;
	};
	return { ...staged, actions, own, other, tools };
}

test('the tools beside a message are those this person may use on it', async () => {
	const { own, other, tools } = await scene();
	expect(tools(other)).toEqual(['React 👍', 'React 🙏', 'React', 'Reply', 'More']);
	expect(tools(own)).toContain('Edit');
	expect(tools({ ...own, deleted: true })).toEqual(['More']);
});

test('with a server of the guide they are only what needs nothing of it', async () => {
	const { other, tools } = await scene('state=baseline');
	expect(tools(other)).toEqual(['More']);
});

test('a message still on its way can be neither answered nor withdrawn, but copied', async () => {
	const { own, actions } = await scene();
	expect(actions.of({ ...own, id: undefined, seq: undefined })).toEqual(['copy', 'forward']);
});

test('no to withdrawing withdraws nothing, and the message has the focus again', async () => {
	const { own, actions, show, asked } = await scene();
	const row = document.createElement('article');
	row.tabIndex = -1;
	row.dataset.testid = 'message';
	row.dataset.key = own.key;
	document.body.append(row);
	show(Questions, { actions });
	actions.ask('delete', own, row);
	await tick();
	const dialog = screen.getByTestId('delete-dialog');
	expect(dialog.textContent).toContain(own.content.split('\n')[0]);
	await fireEvent.click(within(dialog).getAllByRole('button', { name: 'Cancel' }).at(-1)!);
	expect(screen.queryByTestId('delete-dialog')).toBeNull();
	expect(document.activeElement).toBe(row);
	expect(asked('deleteMessage')).toEqual([]);
	row.remove();
});

test('a question about another message takes the place of the first, and is about that one', async () => {
	const { own, actions, show, asked, backend } = await scene();
	const rows = (await backend.openRoom('general')).page.messages.filter((row) => row.own);
	const another = rows.find((row) => row.key !== own.key)!;
	show(Questions, { actions });
	actions.ask('delete', own, document.body);
	await tick();
	actions.ask('delete', another, document.body);
	await tick();
	expect(screen.getAllByTestId('delete-dialog')).toHaveLength(1);
	await fireEvent.click(screen.getByTestId('delete-yes'));
	expect(asked('deleteMessage')).toEqual([{ roomId: 'general', messageId: another.id }]);
});

test('a message is not forwarded to the room it is in', async () => {
	const { other, actions, show, chat } = await scene();
	show(Questions, { actions });
	actions.ask('forward', other, document.body);
	await tick();
	const dialog = screen.getByTestId('forward-dialog');
	const offered = within(dialog)
		.getAllByRole('listitem')
		.map((item) => item.textContent ?? '');
	for (const room of chat.roomList) {
		expect(
			offered.some((text) => text.includes(room.name)),
			room.name
		).toBe(room.id !== 'general');
	}
});
