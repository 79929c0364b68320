import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Priority } from './bindings/Priority';
import type { RoomKind } from './bindings/RoomKind';
import type { SessionEndReason } from './bindings/SessionEndReason';
import type { UserType } from './bindings/UserType';

/** The golden payloads of the wire contract, which the Rust tests read too. */
const FOLDER = 'crates/protocol/fixtures';

/** Each word of the contract that also reaches the interface. A word that is missing here is a type error. */
const words = {
	userType: { clinician: true, patient: true, staff: true, unknown: true } satisfies Record<UserType, true>,
	priority: { normal: true, urgent: true } satisfies Record<Priority, true>,
	reason: { signed_out: true, expired: true, revoked: true, replaced: true, unknown: true } satisfies Record<
		SessionEndReason,
		true
	>
};
const roomKinds = { patient: true, staff: true, announcement: true } satisfies Record<RoomKind, true>;

function walk(value: unknown, visit: (object: Record<string, unknown>) => void) {
	if (Array.isArray(value)) value.forEach((item) => walk(item, visit));
	else if (typeof value === 'object' && value !== null) {
		visit(value as Record<string, unknown>);
		Object.values(value).forEach((item) => walk(item, visit));
	}
}

test('the words of the golden payloads are the words the interface knows', () => {
	const files = readdirSync(FOLDER);
	expect(files.length).toBeGreaterThan(30);
	let seen = 0;
	for (const file of files) {
		walk(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')), (object) => {
			for (const [field, known] of Object.entries(words)) {
				if (!(field in object)) continue;
				expect(Object.keys(known), `${file}: ${field}`).toContain(object[field]);
				seen++;
			}
			if ('members' in object) expect(Object.keys(roomKinds), `${file}: kind`).toContain(object.kind);
		});
	}
	expect(seen).toBeGreaterThan(10);
});
