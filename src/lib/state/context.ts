/** What every component may ask for, given down the tree by the root layout. */
import { createContext } from 'svelte';
import type { I18n } from '$lib/i18n/i18n.svelte';
import type { Chat } from './chat.svelte';
import type { Commands } from './commands.svelte';
import type { Overlay } from './overlay.svelte';

export interface App {
	chat: Chat;
	i18n: I18n;
	overlay: Overlay;
	commands: Commands;
}

export const [getApp, setApp] = createContext<App>();
