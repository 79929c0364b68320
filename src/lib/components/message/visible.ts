/**
 * Text as it may be shown: what forces a direction upon the characters after it is seen as something that cannot be shown, or
 * `5 mg` reads as `gm 5`, and one dose as another. What writing from right to left needs, its marks and isolates, stays.
 */
export function visibleText(text: string): string {
	return text.replace(/[\u202d\u202e]/g, '\ufffd');
}

/** The beginning of a text, with a mark where more follows; no character is cut in two. */
export function beginning(text: string, most: number): string {
	return text.length <= most ? text : `${head(text, most)}…`;
}

/** As {@link beginning}, without a mark. */
export function head(text: string, most: number): string {
	const cut = text.slice(0, most);
	return /[\ud800-\udbff]$/.test(cut) && cut.length < text.length ? cut.slice(0, -1) : cut;
}
