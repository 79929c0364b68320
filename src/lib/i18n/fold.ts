/** Text as it is compared: width, case and the two kana make no difference to someone who looks for a name. */
export function folded(text: string): string {
	return text
		.trim()
		.normalize('NFKC')
		.toLocaleLowerCase()
		.replace(/[ァ-ヶ]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}
