import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asking, authorize, mutated, refuseUnknownProofs } from './calls.mjs';
import { root } from './setup.mjs';

/** The sources with something put before the end of one of them. */
const withMore = (file, more) => {
	const files = asking();
	return { ...files, [file]: `${files[file]}\n${more}\n` };
};

test('every call by which the server asks who may do what is known, and each has a number of its own', () => {
	refuseUnknownProofs(readFileSync(join(root, authorize), 'utf8'));
	const { calls } = mutated(asking());
	assert.deepEqual(
		calls.map(({ call }) => call),
		calls.map((_call, index) => index + 1)
	);
	for (const { file, inside } of calls) assert.ok(inside, `${file}: a call is inside of nothing`);
	const fewest = { principal: 15, member: 8, may_post: 3, is_named_by: 4, 'rooms::members': 8 };
	for (const [name, least] of Object.entries(fewest)) {
		assert.ok(calls.filter(({ what }) => what === name).length >= least, name);
	}
});

test('a call becomes lenient under its number, and all else stays as it is', () => {
	const before = asking();
	const { calls, files } = mutated(before);
	for (const [file, text] of Object.entries(files)) {
		const plain = text
			.replace(/authorize::lenient::(\w+)\(\d+, /g, 'authorize::$1(')
			.replace(/\.may_post_leniently\(\d+\)/g, '.may_post()')
			.replace(/\.is_named_leniently\(\d+, /g, '.is_named_by(');
		const changed = calls.some((call) => call.file === file);
		assert.equal(text !== before[file], changed, file);
		assert.equal(plain.split('\n').length, before[file].split('\n').length, file);
	}
	const say = files['chat/say.rs'];
	const [who, named, poster] = calls.filter(({ inside }) => inside === 'say').map(({ call }) => call);
	assert.match(say, new RegExp(`= authorize::lenient::principal\\(${who}, tx, &token\\)\\?;`));
	assert.match(say, new RegExp(`who\\.is_named_leniently\\(${named}, wish\\.user_id`));
	assert.match(
		say,
		new RegExp(`member\\(${poster}, tx, &who, &wish\\.room_id\\)\\?\\.may_post_leniently\\(${poster + 1}\\)\\?;`)
	);
	const [find, own] = calls.filter(({ inside }) => inside === 'change').slice(3);
	assert.equal(find.what, 'messages::find');
	assert.match(
		files['chat/changes.rs'],
		new RegExp(`if \\(!crate::authorize::lenient::is\\(${own.call}\\) && message\\.user_id != \\*who\\.id\\(\\)\\) \\{`)
	);
});

test('a call that nobody knows how to make lenient is an error', () => {
	for (const unknown of [
		'fn new() { authorize::auditor(tx, &who)?; }',
		'fn new() { let ask = authorize::member; }',
		'use crate::authorize::{Principal, member};',
		'fn new() { people.map(Member::may_post) }',
		'fn new() { attachments::resolved(tx, &somebody, files)?; }',
		'fn new() { let ask = rooms::members; ask(tx, &member) }',
		'use crate::store::messages::{self, find};',
		'fn new() { if user != owner { return Err(Failure::forbidden()); } }'
	]) {
		const { calls } = mutated(asking());
		let found = [];
		try {
			found = mutated(withMore('chat/say.rs', unknown)).calls;
		} catch (error) {
			assert.match(error.message, /^chat\/say\.rs: /, unknown);
			continue;
		}
		assert.fail(`${unknown} is let through, ${found.length} calls for ${calls.length}`);
	}
	assert.throws(() => refuseUnknownProofs('pub(crate) fn auditor(tx: &Transaction<'), /auditor/);
});

test('neither a comment nor a test is a call', () => {
	const { calls } = mutated(asking());
	const more = '// authorize::member(tx)\n#[cfg(test)]\nmod tests { fn new() { authorize::member(tx, &who, &room); } }';
	assert.equal(mutated(withMore('chat/say.rs', more)).calls.length, calls.length);
});

test('what a reason is given for has to be there still', () => {
	const files = asking();
	files['chat/receipts.rs'] = files['chat/receipts.rs'].replace('messages::find(tx, &member, &id)', 'nothing()');
	assert.throws(() => mutated(files), /chat\/receipts\.rs: .* is not there once/);
});
