/**
 * The little markup of messages: bold, italic, code, links, lists, names of members.
 *
 * Invariants: nothing that was written is lost or renumbered, because a dose is a number; what is not surely markup stays as
 * it is, so `2*3*4` is no emphasis; only `https:`, `http:` and `mailto:` become links, and only where the address is plain
 * ASCII, so that it is what it seems. Text becomes tokens and never HTML. The time it takes grows with the text and no faster,
 * whatever it is: a message must not be able to stop the window.
 */
import { visibleText } from './visible';

export type Inline =
	| { kind: 'text'; text: string }
	| { kind: 'bold'; parts: Inline[] }
	| { kind: 'italic'; parts: Inline[] }
	| { kind: 'code'; text: string }
	| { kind: 'mention'; text: string }
	| { kind: 'link'; text: string; url: string; host: string };

export type Block =
	| { kind: 'lines'; lines: Inline[][] }
	| { kind: 'code'; text: string }
	/** `mark` is what was written before the item, such as `-` or `3.`. */
	| { kind: 'list'; items: { mark: string; parts: Inline[] }[] };

const FENCE = /^```/;
const ITEM = /^ {0,3}([-*・•]|\d{1,4}[.)])[ \u3000]+(\S.*)$/u;
/** Core opens no longer address. */
const LONGEST_ADDRESS = 2_048;
/** The characters RFC 3986 allows; a sentence in Japanese ends an address. */
const URL_CHARS = "[A-Za-z0-9\\-._~:/?#\\[\\]@!$&'()*+,;=%]";
const ADDRESS = new RegExp(`(?:https?://|mailto:)${URL_CHARS}+`, 'y');
const NAMED_LINK = new RegExp(`\\[([^\\[\\]\\n]+)\\]\\(((?:https?://|mailto:)${URL_CHARS}+?)\\)`, 'y');
const CODE = /`([^`\n]+)`/y;
/** No longer than a paragraph, so that one that never ends is not looked for again and again. */
const BOLD = /\*\*(\S(?:[^\n]{0,1000}?\S)?)\*\*(?![A-Za-z0-9])/y;
const ITALIC = /\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\p{L}\p{N}*])/uy;
const WORD = /[\p{L}\p{N}*]$/u;
/** Widths and directions that are not seen make the text of a link seem another. */
const UNSEEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/gu;

/** `names` are the members whom the message names. */
export function blocksOf(content: string, names: string[] = []): Block[] {
	const blocks: Block[] = [];
	const lines = visibleText(content).split('\n');
	const lastEnd = lines.findLastIndex((line) => line.trim() === '```');
	for (let index = 0; index < lines.length; index++) {
		const line = lines[index] ?? '';
		const last = blocks.at(-1);
		const fenced = index < lastEnd && FENCE.test(line);
		const end = fenced ? lines.findIndex((other, at) => at > index && other.trim() === '```') : -1;
		const item = ITEM.exec(line);
		if (end > index) {
			blocks.push({ kind: 'code', text: lines.slice(index + 1, end).join('\n') });
			index = end;
		} else if (item) {
			const entry = { mark: item[1] ?? '', parts: inline(item[2] ?? '', names) };
			if (last?.kind === 'list') last.items.push(entry);
			else blocks.push({ kind: 'list', items: [entry] });
		} else if (last?.kind === 'lines') last.lines.push(inline(line, names));
		else blocks.push({ kind: 'lines', lines: [inline(line, names)] });
	}
	return blocks;
}

/** Lines as one flow, with a line feed between them: an engine lays one long text out far faster than thousands of short ones. */
export function flow(lines: Inline[][]): Inline[] {
	const parts: Inline[] = [];
	const push = (part: Inline) => {
		const last = parts.at(-1);
		if (part.kind === 'text' && last?.kind === 'text') last.text += part.text;
		else parts.push(part.kind === 'text' ? { ...part } : part);
	};
	lines.forEach((line, index) => {
		if (index > 0) push({ kind: 'text', text: '\n' });
		line.forEach(push);
	});
	return parts;
}

function inline(text: string, names: string[]): Inline[] {
	const parts: Inline[] = [];
	let plain = '';
	const push = (part: Inline) => {
		if (plain !== '') parts.push({ kind: 'text', text: plain });
		plain = '';
		parts.push(part);
	};
	for (let at = 0; at < text.length;) {
		const found = tokenAt(text, at, names);
		if (found) {
			push(found.part);
			at += found.length;
		} else plain += text[at++] ?? '';
	}
	if (plain !== '') parts.push({ kind: 'text', text: plain });
	return parts;
}

function tokenAt(text: string, at: number, names: string[]): { part: Inline; length: number } | null {
	const match = (pattern: RegExp) => {
		pattern.lastIndex = at;
		return pattern.exec(text);
	};
	/** The character before, whole also where it takes two units. */
	const before = text.slice(Math.max(0, at - 2), at);
	switch (text[at]) {
		case '`': {
			const code = match(CODE);
			return code && { part: { kind: 'code', text: code[1] ?? '' }, length: code[0].length };
		}
		case '*': {
			const bold = /[A-Za-z0-9]$/.test(before) ? null : match(BOLD);
			if (bold) return { part: { kind: 'bold', parts: inline(bold[1] ?? '', names) }, length: bold[0].length };
			const italic = WORD.test(before) ? null : match(ITALIC);
			return italic && { part: { kind: 'italic', parts: inline(italic[1] ?? '', names) }, length: italic[0].length };
		}
		case '@': {
			const name = names.find((name) => text.startsWith(name, at + 1));
			return name === undefined ? null : { part: { kind: 'mention', text: `@${name}` }, length: name.length + 1 };
		}
		case '[': {
			const named = match(NAMED_LINK);
			const part = named && link(named[2] ?? '', named[1] ?? '');
			return part && { part, length: named[0].length };
		}
		case 'h':
		case 'm': {
			const run = match(ADDRESS)?.[0] ?? '';
			if (run.length > LONGEST_ADDRESS) return { part: { kind: 'text', text: run }, length: run.length };
			const url = trimmed(run);
			const part = url === '' ? null : link(url, url);
			return part && { part, length: url.length };
		}
		default:
			return null;
	}
}

/** A sentence's full stop, comma or closing bracket after an address does not belong to it. */
function trimmed(url: string): string {
	let end = url.length;
	let unopened = url.split(')').length - url.split('(').length;
	while (end > 0) {
		const last = url[end - 1] ?? '';
		if (last === ')' && unopened > 0) unopened--;
		else if (!".,:;!?'*".includes(last)) break;
		end--;
	}
	return url.slice(0, end);
}

function link(url: string, text: string): Inline | null {
	let parsed: URL;
	try {
		parsed = new URL(url);
	} catch {
		return null;
	}
	// A name before the host is how one host is made to look like another.
	if (parsed.username !== '' || parsed.password !== '') return null;
	const host = parsed.protocol === 'mailto:' ? parsed.pathname : parsed.host;
	if (host === '' || url.length > LONGEST_ADDRESS) return null;
	return { kind: 'link', text: text.replace(UNSEEN, ''), url, host };
}
