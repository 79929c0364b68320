/**
 * A server as HugMeDo's published guide (GUIDE-011F-C2) leads one to write it, on the official Node `socket.io`: the stranger
 * our client has to get along with. It knows the guide's events and nothing else: no acks, no `session`, no `seq`, no client
 * ids, no HTTP routes, no history, no membership.
 *
 *     node e2e/interop/baseline-server.mjs [--port 0] [--delay-auth MS] [--numeric-ids]
 *
 * Prints `listening on http://127.0.0.1:PORT` once it accepts connections. Everyone signs in by a token:
 * `token-alice` and `token-bob` are clinicians, `token-carol` is a patient; any other token is refused with a
 * `connect_error` whose message is `Authentication error`.
 *
 *   --delay-auth MS  takes so long to judge a token, as one that asks another service does
 *   --numeric-ids    names messages by numbers, as one that takes ids from a database sequence does
 *
 * A line `drop` on standard input cuts every connection, as a restarted proxy does; SIGTERM ends the server.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

const { values: options } = parseArgs({
	options: {
		port: { type: 'string', default: '0' },
		'delay-auth': { type: 'string', default: '0' },
		'numeric-ids': { type: 'boolean', default: false }
	}
});

const users = new Map([
	['token-alice', { id: 'alice', name: '有栖川 直子', type: 'clinician' }],
	['token-bob', { id: 'bob', name: '防府 健', type: 'clinician' }],
	['token-carol', { id: 'carol', name: '香川 るい', type: 'patient' }]
]);

let lastNumber = 0;
const nextId = () => (options['numeric-ids'] ? ++lastNumber : randomUUID());

const http = createServer((_request, response) => response.writeHead(404).end());
const io = new Server(http);

io.use((socket, next) => {
	setTimeout(() => {
		const user = users.get(socket.handshake.auth.token);
		if (!user) return next(new Error('Authentication error'));
		socket.data = { user, unread: new Map() };
		next();
	}, Number(options['delay-auth']));
});

io.on('connection', (socket) => {
	const { user, unread } = socket.data;

	socket.on('join_room', ({ roomId }) => {
		unread.delete(roomId);
		socket.join(roomId);
	});

	socket.on('leave_room', ({ roomId }) => socket.leave(roomId));

	socket.on('message', ({ roomId, content, attachments, metadata }) => {
		io.to(roomId).emit('new_message', {
			id: nextId(),
			roomId,
			userId: user.id,
			userName: user.name,
			userType: user.type,
			content,
			attachments,
			metadata,
			createdAt: new Date().toISOString()
		});
		for (const other of io.sockets.sockets.values()) {
			if (other.rooms.has(roomId) || other.data.user.id === user.id) continue;
			const count = (other.data.unread.get(roomId) ?? 0) + 1;
			other.data.unread.set(roomId, count);
			other.emit('notification', { roomId, room: roomId, unread: count });
		}
	});

	socket.on('typing', ({ roomId, isTyping }) => {
		socket.to(roomId).emit('typing', { roomId, userId: user.id, userName: user.name, isTyping });
	});
});

createInterface({ input: process.stdin }).on('line', (line) => {
	if (line === 'drop') for (const socket of io.sockets.sockets.values()) socket.conn.close();
});

process.on('SIGTERM', () => process.exit(0));

http.listen(Number(options.port), '127.0.0.1', () => {
	console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
