/** How keys are written where one is told of them: as `Ctrl+Shift+F`, and on a Mac as its own menus do, `⇧⌘F`. */

/** In the order in which a Mac's menus have them. Where others hold Ctrl, Command is held there. */
const MAC = [
	['Alt', '⌥'],
	['Shift', '⇧'],
	['Ctrl', '⌘']
] as const;

export function shownKeys(keys: string, onMac = navigator.userAgent.includes('Macintosh')): string {
	const held = keys.split('+');
	const key = held.pop();
	// A plus is a key itself.
	if (!onMac || !key) return keys;
	return (
		MAC.filter(([name]) => held.includes(name))
			.map(([, sign]) => sign)
			.join('') + key
	);
}
