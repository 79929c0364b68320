/** How files are told of: what they are called, what they are, how large. */
import type { AttachmentView } from '$lib/backend/bindings/AttachmentView';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { beginning, visibleText } from '$lib/components/message/visible';
import type { I18n } from '$lib/i18n/i18n.svelte';

/** The box of a thumbnail, in pixels at the normal text size. */
const BOX = { width: 320, height: 240 };
/** For a picture whose size is not known yet. */
const UNKNOWN = { width: 240, height: 180 };
const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

export const isPicture = (file: AttachmentView) => PICTURES.includes(file.mediaType);

/** What turns writing around, or is not seen, is shown as what it is: `x\u202egpj.exe` must not read as `xexe.jpg`. */
export function visibleName(name: string): string {
	return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** The room a picture takes before it is here, in pixels, so that nothing moves when it comes. */
export function boxOf({ width, height }: Pick<AttachmentView, 'width' | 'height'>): { width: number; height: number } {
	if (!width || !height) return UNKNOWN;
	const scale = Math.min(1, BOX.width / width, BOX.height / height);
	return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

/** What kind of file it is, in a word: by its content where that says so, else by its name. */
export function kindOf(i18n: I18n, file: AttachmentView): string {
	const texts = i18n.t.files.kinds;
	if (file.mediaType === 'application/pdf') return texts.pdf;
	if (file.mediaType.startsWith('image/')) return texts.picture;
	const ending = /\.([\p{L}\p{N}]{1,8})$/u.exec(file.name)?.[1];
	return ending ? ending.toUpperCase() : texts.other;
}

/** More than this is not read out when something is said of a message. */
const GIST_CHARS = 400;

/** What a message says, or the names of its files where it says nothing; the beginning of what is long. */
export function gistOf(row: Pick<MessageView, 'content' | 'attachments'>): string {
	const text =
		row.content.trim() !== '' ? row.content : row.attachments.map((file) => visibleName(file.name)).join(' ');
	return visibleText(beginning(text, GIST_CHARS));
}
