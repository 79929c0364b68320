/** For tests of components: one of them in jsdom, over the complete fake backend, as someone who is signed in has it. */
import { render } from '@testing-library/svelte';
import type { Component, ComponentProps } from 'svelte';
import { createFakeBackend } from '$lib/backend/fake';
import { I18n } from '$lib/i18n/i18n.svelte';
import { Chat } from '$lib/state/chat.svelte';
import { Commands } from '$lib/state/commands.svelte';
import type { App } from '$lib/state/context';
import { Overlay } from '$lib/state/overlay.svelte';
import Staged from './Staged.svelte';

// What jsdom has not: a layout to scroll, modal dialogs, and escaping in selectors, which the keys of the sample do not need.
Element.prototype.scrollIntoView = () => {};
HTMLDialogElement.prototype.showModal = function () {
	this.open = true;
};
HTMLDialogElement.prototype.close = function () {
	this.open = false;
	this.dispatchEvent(new Event('close'));
};
globalThis.CSS ??= { escape: (text: string) => text } as typeof CSS;

/** @param scene of the fake backend, such as `state=baseline` */
export async function stage(scene = '') {
	// What a page hands over to the one after it is kept there.
	window.name = '';
	const backend = createFakeBackend(new URLSearchParams(scene));
	const chat = new Chat(backend);
	await chat.start();
	const app: App = { chat, i18n: new I18n(() => 'en'), overlay: new Overlay(), commands: new Commands() };
	const room = (id: string) => {
		const found = chat.rooms.get(id);
		if (!found) throw new Error(`no room ${id}`);
		return found;
	};
	return {
		backend,
		chat,
		room,
		show: <Props extends Record<string, unknown>>(part: Component<Props>, given: ComponentProps<Component<Props>>) =>
			render(Staged, { app, part: part as unknown as Component<Record<string, unknown>>, given }),
		/** What was asked of the backend by this name. */
		asked: (name: string) => backend.calls.filter((call) => call.name === name).map((call) => call.input)
	};
}
