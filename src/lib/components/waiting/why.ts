/** Why an own message has not reached the server, as far as it can be said. Failed ones are told by their problem. */
import type { ConnectionView } from '$lib/backend/bindings/ConnectionView';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';

export type Why =
	| { kind: 'failed'; problem: ErrorCode }
	/** Since when there is no connection. */
	| { kind: 'offline' | 'stopped'; since: string }
	| { kind: 'unconfirmed' | 'sending' | 'connecting' | 'signIn' | 'asked' | 'files' | 'behind' | 'soon' };

/** What a server says that wants to be left alone for a while. */
const ASKS_TO_WAIT: ErrorCode[] = ['rateLimited', 'serverUnavailable'];

/**
 * @param unsent all that is not sent: in a room one message goes after the other
 * @param baseline whether the server acknowledges nothing, so that a message without an echo may have arrived
 */
export function whyUnsent(
	row: MessageView,
	connection: ConnectionView,
	unsent: MessageView[] = [],
	baseline = false
): Why {
	if (row.delivery === 'failed') {
		if (baseline && row.problem === 'timeout') return { kind: 'unconfirmed' };
		return { kind: 'failed', problem: row.problem ?? 'refused' };
	}
	switch (connection.state) {
		case 'offline':
			return { kind: hasStopped(connection) ? 'stopped' : 'offline', since: connection.since };
		case 'connecting':
			return connection.reason ? { kind: 'offline', since: connection.since } : { kind: 'connecting' };
		case 'authRequired':
			return { kind: 'signIn' };
		case 'idle':
			return { kind: 'connecting' };
	}
	if (row.delivery === 'sending') return { kind: 'sending' };
	if (isAskedToWait(row)) return { kind: 'asked' };
	const ahead = unsent.filter(
		(other) => other.roomId === row.roomId && other.pendingOrder < row.pendingOrder && other.delivery !== 'failed'
	);
	if (ahead.some(isAskedToWait)) return { kind: 'asked' };
	if (ahead.length > 0) return { kind: 'behind' };
	if (row.attachments.some((file) => ['reading', 'waiting', 'uploading'].includes(file.state.kind)))
		return { kind: 'files' };
	return { kind: connection.state === 'catchingUp' ? 'connecting' : 'soon' };
}

function isAskedToWait(row: MessageView): boolean {
	return row.delivery !== 'failed' && row.problem !== undefined && ASKS_TO_WAIT.includes(row.problem);
}

/** As many attempts have failed as the settings allow: nothing happens until someone says so. */
export function hasStopped(connection: ConnectionView): boolean {
	return connection.state === 'offline' && connection.nextAttemptAt === undefined;
}
