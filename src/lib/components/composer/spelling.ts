/**
 * Whether the spelling of a text can be checked. Dictionaries know no Japanese: WebKitGTK takes its words for misspelt ones and marks
 * them all, and with them whatever else stands in the text.
 */
export function canBeChecked(text: string): boolean {
	return /\p{Script=Latin}/u.test(text) && !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text);
}
