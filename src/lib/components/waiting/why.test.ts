import { expect, test } from 'vitest';
import type { AttachmentView } from '$lib/backend/bindings/AttachmentView';
import type { ConnectionView } from '$lib/backend/bindings/ConnectionView';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { sampleUnsent } from '$lib/backend/sample';
import { hasStopped, whyUnsent } from './why';

const since = '2026-11-23T09:00:00Z';
const link = (state: ConnectionView['state'], more: Partial<ConnectionView> = {}): ConnectionView => ({
	state,
	since,
	...more
});
const row = (more: Partial<MessageView>): MessageView => ({
	...(sampleUnsent()[0] as MessageView),
	problem: undefined,
	...more
});
const queued = row({ delivery: 'queued' });

test('a message waits for the connection while there is none, whatever was said of it before', () => {
	const next = { nextAttemptAt: since };
	expect(whyUnsent(queued, link('offline', next))).toEqual({ kind: 'offline', since });
	expect(whyUnsent(row({ delivery: 'queued', problem: 'rateLimited' }), link('offline', next)).kind).toBe('offline');
	expect(whyUnsent(queued, link('connecting', { reason: 'unreachable' }))).toEqual({ kind: 'offline', since });
	expect(whyUnsent(queued, link('connecting')).kind).toBe('connecting');
	expect(whyUnsent(queued, link('authRequired')).kind).toBe('signIn');
});

test('nothing goes out by itself once reconnecting has stopped', () => {
	expect(whyUnsent(queued, link('offline'))).toEqual({ kind: 'stopped', since });
	expect([hasStopped(link('offline')), hasStopped(link('offline', { nextAttemptAt: since }))]).toEqual([true, false]);
	expect(hasStopped(link('connecting'))).toBe(false);
});

test('while connected, in whatever way, it is on its way, was asked to wait, or is next', () => {
	for (const state of ['live', 'limited'] as const) {
		expect(whyUnsent(row({ delivery: 'sending' }), link(state)).kind).toBe('sending');
		expect(whyUnsent(row({ delivery: 'queued', problem: 'serverUnavailable' }), link(state)).kind).toBe('asked');
		expect(whyUnsent(row({ delivery: 'queued', problem: 'unreachable' }), link(state)).kind).toBe('soon');
	}
});

test('a failed message says why, connected or not; without an acknowledgement it may have arrived', () => {
	const failed = row({ delivery: 'failed', problem: 'timeout' });
	expect(whyUnsent(failed, link('offline'))).toEqual({ kind: 'failed', problem: 'timeout' });
	expect(whyUnsent(failed, link('live'), [], true)).toEqual({ kind: 'unconfirmed' });
});

test('what goes after another waits for it, as long as that one has not failed', () => {
	const first = row({ delivery: 'queued', pendingOrder: 1 });
	const second = row({ delivery: 'queued', pendingOrder: 2 });
	const why = (...unsent: MessageView[]) => whyUnsent(second, link('live'), [...unsent, second]).kind;
	expect(why(first)).toBe('behind');
	expect(why({ ...first, problem: 'rateLimited' })).toBe('asked');
	expect(why({ ...first, delivery: 'failed', problem: 'tooLong' })).toBe('soon');
	expect(why({ ...first, roomId: 'elsewhere' })).toBe('soon');
	expect(whyUnsent(first, link('live'), [first, second]).kind).toBe('soon');
});

test('what has files waits for them', () => {
	const file = { id: 'f', name: 'x.png', mediaType: 'image/png', size: 10 };
	const withFile = (state: AttachmentView['state']) => row({ delivery: 'queued', attachments: [{ ...file, state }] });
	expect(whyUnsent(withFile({ kind: 'uploading', bytes: 3 }), link('live')).kind).toBe('files');
	expect(whyUnsent(withFile({ kind: 'here' }), link('live')).kind).toBe('soon');
	expect(whyUnsent(withFile({ kind: 'waiting' }), link('offline'), []).kind).toBe('stopped');
});
