/** What is being written at the caret that stands for something else: a member after an `@`, a template after a `/`. */
import type { User } from '$lib/backend/bindings/User';
import { folded } from '$lib/i18n/fold';

/** Longer than this it is no name. */
const MOST_CHARS = 20;
const MOST_OFFERED = 6;

export interface Query {
	kind: 'mention' | 'template';
	/** Where its sign stands. */
	start: number;
	/** What follows it, up to the caret. */
	text: string;
}

/** The name that is being written at the caret, if one is. An `@` within a word belongs to an address. */
export function mentionAt(text: string, caret: number): Query | null {
	const before = text.slice(Math.max(0, caret - MOST_CHARS - 1), caret);
	const found = /(?:^|[^A-Za-z0-9._-])[@＠]([^\s@＠]*)$/u.exec(before);
	if (!found) return null;
	const query = found[1] ?? '';
	return { kind: 'mention', start: caret - query.length - 1, text: query };
}

/** The template that is being named: a `/` begins the text, so that a date or a unit does not call for one. */
export function templateAt(text: string, caret: number): Query | null {
	const found = /^[/／](\S*)$/u.exec(text.slice(0, caret));
	if (!found || caret > MOST_CHARS) return null;
	return { kind: 'template', start: 0, text: found[1] ?? '' };
}

/** Members whose name, ID or role matches, those whose name begins so first. */
export function offered(members: User[], query: string): User[] {
	const wanted = folded(query).replace(/\s/g, '');
	const rank = (member: User) => {
		const name = folded(member.name).replace(/\s/g, '');
		if (name.startsWith(wanted) || folded(member.id).startsWith(wanted)) return 0;
		return name.includes(wanted) || folded(member.role ?? '').includes(wanted) ? 1 : 2;
	};
	return members
		.map((member) => ({ member, rank: rank(member) }))
		.filter((entry) => entry.rank < 2)
		.sort((a, b) => a.rank - b.rank)
		.slice(0, MOST_OFFERED)
		.map((entry) => entry.member);
}
