/** What can be done anywhere in the window, wherever one is. */
import { goto } from '$app/navigation';
import type { Preferences } from '$lib/backend/bindings/Preferences';
import type { Command } from '$lib/state/commands.svelte';
import type { App } from '$lib/state/context';

const THEMES = ['system', 'light', 'dark'] as const;
const LANGUAGES = [
	['ja', '日本語'],
	['en', 'English']
] as const;

export function windowCommands(
	{ chat, i18n, overlay }: Pick<App, 'chat' | 'i18n' | 'overlay'>,
	step: (by: 1 | -1) => void
): Command[] {
	const { t } = i18n;
	const set = (changed: Partial<Preferences>) => void chat.setPreferences(changed).catch(() => {});
	const { settings, shortcuts } = t;
	return [
		{
			key: 'search',
			label: t.search.open,
			icon: 'search',
			words: [t.search.title],
			keys: 'Ctrl+Shift+F',
			run: () => overlay.search(false)
		},
		...(chat.session?.baseline
			? []
			: [{ key: 'new', label: t.newRoom.title, icon: 'plus' as const, run: () => overlay.show('newRoom') }]),
		{ key: 'next', label: shortcuts.keys.nextRoom, icon: 'down', keys: 'Alt+↓', run: () => step(1) },
		{ key: 'previous', label: shortcuts.keys.previousRoom, icon: 'up', keys: 'Alt+↑', run: () => step(-1) },
		{ key: 'lock', label: t.lock.now, icon: 'lock', keys: 'Ctrl+Shift+L', run: () => void chat.lockNow() },
		{ key: 'shortcuts', label: shortcuts.title, icon: 'info', keys: 'Ctrl+/', run: () => overlay.show('shortcuts') },
		{
			key: 'settings',
			label: settings.title,
			icon: 'settings',
			// What is chosen there is looked for by its own name.
			words: [settings.textSize, settings.enter, settings.notifyAbout, settings.privacy, settings.signOut],
			run: () => void goto('/settings')
		},
		...THEMES.filter((theme) => theme !== chat.preferences.theme).map((theme): Command => {
			return {
				key: theme,
				label: `${settings.theme}: ${settings.themes[theme]}`,
				icon: 'settings',
				run: () => set({ theme })
			};
		}),
		...LANGUAGES.filter(([language]) => language !== i18n.language).map(([language, name]): Command => {
			return { key: language, label: `${settings.language}: ${name}`, icon: 'settings', run: () => set({ language }) };
		})
	];
}
