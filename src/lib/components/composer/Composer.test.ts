import { fireEvent, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test, vi } from 'vitest';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { Composer } from '$lib/state/composer.svelte';
import { stage } from '../testing/stage';
import Form from './Composer.svelte';

async function compose(scene = '', roomId = 'general') {
	const staged = await stage(scene);
	await staged.chat.openRoom(roomId);
	const composer = new Composer(staged.chat, staged.chat.opened!, staged.chat.guarded(roomId));
	const last = (): MessageView | undefined => staged.chat.timeline?.rows.findLast((row) => row.own);
	staged.show(Form, { composer, room: staged.room(roomId), last });
	const field = screen.getByTestId<HTMLTextAreaElement>('composer');
	return {
		...staged,
		composer,
		field,
		/** Types, with the caret behind it. */
		async write(text: string) {
			field.value = text;
			field.setSelectionRange(text.length, text.length);
			await fireEvent.input(field);
		},
		/** Whether the key was the field's, and not the engine's. */
		async press(key: string, more: KeyboardEventInit = {}) {
			return !(await fireEvent.keyDown(field, { key, ...more }));
		}
	};
}
const options = () => screen.queryAllByRole('option').map((option) => option.querySelector('bdi, strong')?.textContent);
const chosen = () => screen.getByRole('option', { selected: true }).querySelector('bdi, strong')?.textContent;

test('everyone in the room is offered but oneself, and arrows go around', async () => {
	const { write, press, field } = await compose();
	await write('@');
	expect(options().toSorted()).toEqual(['山田 さくら', '鈴木 健一'].toSorted());
	const first = chosen();
	await press('ArrowDown');
	expect(chosen()).not.toBe(first);
	expect(document.getElementById(field.getAttribute('aria-activedescendant')!)?.ariaSelected ?? 'true').toBe('true');
	await press('ArrowDown');
	expect(chosen()).toBe(first);
	await press('ArrowUp');
	expect(chosen()).not.toBe(first);
});

test('what is written is checked for its spelling, but for Japanese', async () => {
	const { write, field } = await compose();
	for (const [text, checked] of [
		['Pateint is stable', 'true'],
		['容体は安定', 'false'],
		['stable', 'true']
	] as const) {
		await write(text);
		expect(field.getAttribute('spellcheck')).toBe(checked);
	}
});

test('while text is converted no key is the choice’s: neither arrows, nor Enter, nor Escape', async () => {
	const { write, press, asked } = await compose();
	await write('@');
	const first = chosen();
	for (const converting of [{ isComposing: true }, { keyCode: 229 }]) {
		for (const key of ['ArrowDown', 'Enter', 'Tab', 'Escape']) expect(await press(key, converting)).toBe(false);
	}
	expect(chosen()).toBe(first);
	expect(asked('sendMessage')).toEqual([]);
});

test('Tab takes what is offered, and Shift+Tab leaves the field as it does everywhere', async () => {
	const { write, press, field } = await compose();
	await write('@yam');
	expect(await press('Tab', { shiftKey: true })).toBe(false);
	expect(field.value).toBe('@yam');
	expect(await press('Tab')).toBe(true);
	await expect.poll(() => field.value).toBe('@山田 さくら ');
	expect(await press('Tab')).toBe(false);
});

test('Escape puts away what is offered first, and only then the edit', async () => {
	const { write, press, composer } = await compose();
	await press('ArrowUp');
	expect(composer.editing).toBeTruthy();
	await write('@');
	expect(options()).toHaveLength(2);
	await press('Escape');
	expect(options()).toEqual([]);
	expect(composer.editing).toBeTruthy();
	await press('Escape');
	expect(composer.editing).toBeFalsy();
});

test('arrow up is the field’s only where nothing is written', async () => {
	const { write, press, composer } = await compose();
	await write('書いています');
	expect(await press('ArrowUp')).toBe(false);
	expect(composer.editing).toBeFalsy();
});

test('a name within an address calls for nobody, nor does a date for a template', async () => {
	const { write } = await compose();
	await write('sato@');
	expect(options()).toEqual([]);
	await write('11/');
	expect(options()).toEqual([]);
	await write('/');
	await expect.poll(options).toContain('申し送り');
});

test('what is offered goes when the field is left', async () => {
	const { write, field } = await compose();
	await write('@');
	await fireEvent.blur(field);
	expect(options()).toEqual([]);
});

test('a message of spaces alone cannot be sent, by no key and no button', async () => {
	const { write, press, asked } = await compose();
	await write('  \n　');
	expect(screen.getByTestId<HTMLButtonElement>('send').disabled).toBe(true);
	await press('Enter');
	await tick();
	expect(asked('sendMessage')).toEqual([]);
});

test('to a server of the guide no file can be attached', async () => {
	await compose('state=baseline');
	expect(screen.queryByTestId('file-input')).toBeNull();
});

test('that a patient reads is said in words, beside the field and in its name for screen readers', async () => {
	const { field } = await compose('', 'patient-tanaka');
	expect(document.getElementById(field.getAttribute('aria-describedby')!)?.textContent).toContain(
		'A patient reads this room'
	);
});

/** What an engine brings with a paste; jsdom has no clipboard. */
const pasted = (types: string[]) =>
	Object.assign(new Event('paste', { bubbles: true, cancelable: true }), { clipboardData: { types, files: [] } });

test('a picture that the engine keeps back from a paste is asked for, and waits beside the text', async () => {
	const { field, backend, chat } = await compose();
	vi.spyOn(backend, 'pastedPicture').mockResolvedValue(new Uint8Array([137, 80, 78, 71]).buffer);
	await fireEvent(field, pasted([]));
	await expect.poll(() => chat.files.of('general').map(({ view }) => view.name)).toEqual(['image.png']);
});

test('where something is pasted, or nothing is on the clipboard, no picture is asked for or added', async () => {
	const { field, asked, chat } = await compose();
	for (const types of [['text/plain'], ['text/html']]) await fireEvent(field, pasted(types));
	expect(asked('pastedPicture')).toEqual([]);
	await fireEvent(field, pasted([]));
	await expect.poll(() => asked('pastedPicture')).toHaveLength(1);
	expect(chat.files.of('general')).toEqual([]);
});
