/**
 * The calls by which the server asks who may do what, each of which `mutants.mjs` can make lenient: it then grants what it ought to
 * refuse. Nothing can be left out instead: `authorize.rs` hands out proofs, and without one nothing compiles. What takes a call's place
 * is in `lenient.rs`.
 *
 * Invariant: a call that nobody here knows how to make lenient is an error, so no new one escapes.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './processes.mjs';
import { root } from './setup.mjs';

/** The server's sources, and the one of them that decides. */
export const sources = 'crates/server/src';
export const authorize = `${sources}/authorize.rs`;

const lenient = 'crate::authorize::lenient';

/** What a function of authorize.rs grants to everyone when a call of it is lenient. */
const asked = {
	principal: 'a session that is over',
	member: 'a room to whoever is no member',
	administrator: 'administration to everyone',
	people: 'everyone, as people one may meet',
	circle: 'presence, to everyone',
	company: 'a conversation with anyone',
	uploader: 'a file of whoever is in no room',
	attachment: "anyone's file"
};

/** The rest of authorize.rs: the server's own doing, what a proof tells, and two that are among the `rules`. */
const told =
	'server user id session expires_at room last_seq read_seq delivered_seq into_id members kind may_post is_named_by';
const asksNothing = new Set(told.split(' '));

/**
 * Everything that is made lenient: how it is found, what takes its place, and what it then grants. What `left`, or else `find`, finds
 * after all have been replaced is a call that nobody knows. `on`: the tests that hold it, if it is of several servers.
 */
const rules = [
	...Object.entries(asked).map(([name, grants]) => ({
		what: name,
		find: new RegExp(`\\bauthorize::${name}\\(`, 'g'),
		put: (call) => `authorize::lenient::${name}(${call}, `,
		grants
	})),
	{
		what: 'may_post',
		find: /\.may_post\(\)/g,
		put: (call) => `.may_post_leniently(${call})`,
		grants: 'writing to all'
	},
	{
		what: 'is_named_by',
		find: /\.is_named_by\(/g,
		put: (call) => `.is_named_leniently(${call}, `,
		grants: "another's name"
	},
	instead('issuer::principal', 'issuer', 'a session that is over'),
	instead('rooms::members', 'members', 'the news, to everyone'),
	{ ...instead('rooms::member_ids', 'member_ids', 'the news, to everyone'), on: 'postgres' },
	instead('rooms::list', 'list', "everyone's rooms"),
	instead('rooms::as_seen_by', 'as_seen_by', 'the room as a member sees it'),
	instead('changes::after', 'after', "another's news"),
	instead('messages::find', 'find', 'a message of another room'),
	instead('sessions::devices', 'devices', "everyone's devices"),
	instead('sessions::revoke_device', 'revoke_device', "anyone's device"),
	{
		what: 'attachments::resolved',
		find: /\battachments::resolved\(tx, who\.id\(\), wish\.attachments\)/g,
		put: (call) =>
			`attachments::resolved(tx, &${lenient}::bringer(${call}, tx, who.id(), &wish.attachments)?, wish.attachments)`,
		left: /\battachments::resolved\(/,
		grants: "another's file, as one's own"
	},
	condition('message.user_id != *who.id()', 'refuses', "another's message"),
	condition('who.id() == before.id()', 'grants', "another's token"),
	condition('who.id() == caller.id()', 'grants', "another's token"),
	condition('room.members.len() >= 2', 'grants', 'a room of two that one of them was taken out of'),
	condition('!account.disabled', 'grants', 'a closed account'),
	condition('is_required(&config, &account.user)', 'refuses', 'doing without a required second factor'),
	condition('!app.config.metrics_for_all', 'refuses', 'the counts, to other computers')
];

/** A function that has a lenient twin. */
function instead(path, twin, grants) {
	const [place, name] = path.split('::');
	return {
		what: path,
		find: new RegExp(`\\b${path}\\(`, 'g'),
		put: (call) => `${lenient}::${twin}(${call}, `,
		left: new RegExp(`\\b${place}::(?:\\{[^}]*\\b)?${name}\\b`),
		grants
	};
}

/** A condition that grants, or refuses, by itself. */
function condition(text, does, grants) {
	return {
		what: text,
		find: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'g'),
		put: (call) =>
			does === 'grants' ? `(${lenient}::is(${call}) || ${text})` : `(!${lenient}::is(${call}) && ${text})`,
		grants
	};
}

/** Calls that let nobody in, each once in its file, and why. */
export const harmless = [
	['chat/escalate.rs', 'messages::find(tx, &poster, &overdue.message)', 'the server asks for itself'],
	['chat/retention.rs', 'messages::find(tx, &poster, &id)', 'the server asks for itself'],
	['chat/receipts.rs', 'messages::find(tx, &member, &id)', 'the notice of a message is in its room'],
	[
		'chat/rooms.rs',
		'rooms::as_seen_by(tx, &room, who.id())',
		'whoever is not in a room of two leaves fewer than two in it'
	],
	['http/mod.rs', '.get("/api/rooms", rooms::list)', 'a handler of that name'],
	['admin.rs', 'sessions::devices(tx, &id)', "an administrator's deed"],
	['admin.rs', 'sessions::revoke_device(tx, &id, &named)', "an administrator's deed"]
];

/** Refusals outside of authorize.rs: how many a file has. Each is one of the `rules`, but for rooms no store has: by no UTF-8, or too long. */
const refusals = {
	'chat/changes.rs': 2,
	'chat/reactions.rs': 1,
	'chat/receipts.rs': 1,
	'chat/rooms.rs': 1,
	'chat/validate.rs': 1,
	'http/events.rs': 1,
	'http/extract.rs': 1,
	'second_factor/mod.rs': 1,
	'socket/events.rs': 1
};

/** A file's text in which neither comments nor what is for tests or harmless can be mistaken for a call; as long as the file. */
function onlyCalls(name, text) {
	const blank = (part) => part.replace(/[^\n]/g, ' ');
	let calls = text.replace(/\/\/.*/g, blank);
	const tests = calls.indexOf('#[cfg(test)]\nmod ');
	if (tests >= 0) calls = calls.slice(0, tests) + blank(calls.slice(tests));
	for (const [file, call] of harmless) {
		if (file !== name) continue;
		if (calls.split(call).length !== 2) throw new Failure(`${name}: \`${call}\` is not there once: see \`harmless\``);
		calls = calls.replace(call, blank);
	}
	return calls;
}

/**
 * Makes every call in these files (path below the sources: text) one that can be lenient.
 *
 * @param {Record<string, string>} files
 * @returns {{ calls: Record<'call' | 'file' | 'line' | 'inside' | 'what' | 'grants' | 'on', any>[], files: Record<string, string> }}
 */
export function mutated(files) {
	const calls = [];
	const changed = {};
	for (const file of Object.keys(files).sort()) {
		const text = files[file];
		let seen = onlyCalls(file, text);
		const found = rules
			.flatMap((rule) => [...seen.matchAll(rule.find)].map((match) => ({ rule, at: match.index, text: match[0] })))
			.sort((one, other) => one.at - other.at);
		let [rest, end] = ['', 0];
		for (const { rule, at, text: matched } of found) {
			const before = text.slice(0, at);
			const call = calls.length + 1;
			calls.push({
				call,
				file,
				line: before.split('\n').length,
				inside: [...before.matchAll(/\bfn (\w+)/g)].at(-1)?.[1] ?? '',
				what: rule.what,
				grants: rule.grants,
				on: rule.on ?? 'server'
			});
			rest += text.slice(end, at) + rule.put(call);
			end = at + matched.length;
			seen = seen.slice(0, at) + ' '.repeat(matched.length) + seen.slice(end);
		}
		changed[file] = rest + text.slice(end);
		refuseUnknown(file, seen);
	}
	const unused = rules.filter((rule) => calls.every(({ what }) => what !== rule.what));
	if (unused.length > 0) throw new Failure(`nothing is left of ${unused.map((rule) => rule.what).join(', ')}`);
	return { calls, files: changed };
}

/** Fails for whatever looks like a call and is none of those that were found. */
function refuseUnknown(file, seen) {
	const names = Object.keys(asked).join('|');
	const patterns = [
		/\bauthorize::(?!server\(|lenient\b)[a-z]\w*/,
		new RegExp(`\\bauthorize::\\{[^}]*\\b(?:${names})\\b[^}]*\\}`),
		/\bmay_post\b|\bis_named_by\b/,
		...rules.map((rule) => rule.left ?? new RegExp(rule.find.source))
	];
	for (const pattern of patterns) {
		const [unknown] = seen.match(pattern) ?? [];
		if (unknown) throw new Failure(`${file}: \`${unknown}\` is a call that nobody here knows how to make lenient`);
	}
	const count = seen.split('Failure::forbidden').length - 1;
	if (count !== (refusals[file] ?? 0)) {
		throw new Failure(`${file}: refuses ${count} times, not ${refusals[file] ?? 0}: see \`refusals\` and \`rules\``);
	}
}

/** Fails if authorize.rs hands something out that nobody here knows. */
export function refuseUnknownProofs(text) {
	for (const [, name] of text.matchAll(/\bpub\(crate\) (?:async )?fn (\w+)/g)) {
		if (!(name in asked) && !asksNothing.has(name)) {
			throw new Failure(`authorize.rs: \`${name}\` is a function that nobody here knows`);
		}
	}
}

/** The server's sources that ask, by path: without what decides, and without the sample data. */
export function asking() {
	const files = {};
	const look = (folder) => {
		for (const entry of readdirSync(join(root, sources, folder), { withFileTypes: true })) {
			const path = folder ? `${folder}/${entry.name}` : entry.name;
			if (path === 'demo' || path === 'authorize.rs') continue;
			if (entry.isDirectory()) look(path);
			else if (path.endsWith('.rs')) files[path] = readFileSync(join(root, sources, path), 'utf8');
		}
	};
	look('');
	return files;
}
