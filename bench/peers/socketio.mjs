/**
 * The official Socket.IO, server and clients, as its documentation sets it up, for `reliability jitter` and `reliability server`.
 *
 *     node bench/peers/socketio.mjs server [--recovery]
 *     node bench/peers/socketio.mjs clients
 *     node bench/peers/socketio.mjs rooms [--keep FILE]
 *
 * The server prints `listening on http://127.0.0.1:PORT`; each line on its standard input is published to everyone as one
 * message of that number. The clients read one line, a JSON array with an address for each of them, print `ready` once all
 * are connected, and on a line `report` wait until all are connected again and nothing has come for a while, and print what
 * was delivered. With `--recovery` the server has connection state recovery, with its default of two minutes.
 *
 * `rooms` is a chat server: `join_room` and `message` as in the guide, both acknowledged. It asks nobody who they are and keeps
 * nothing; with `--keep` each message is written to a file and the disk has it before it is acknowledged.
 */
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';

/** Nothing more is expected after so long without anything. */
const QUIET = 5_000;

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: { recovery: { type: 'boolean', default: false }, keep: { type: 'string' } }
});
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** A server of theirs, which tells where it listens. */
const listening = async (settings, onConnection) => {
	const http = createServer();
	const io = new Server(http, settings);
	io.on('connection', onConnection);
	await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
	console.log(`listening on http://127.0.0.1:${http.address().port}`);
	return io;
};

const serve = async () => {
	const settings = options.recovery ? { connectionStateRecovery: {} } : {};
	// Recovery needs an offset to go on from, so a client must have heard something before it is first cut off.
	const io = await listening(settings, (socket) => socket.emit('welcome'));
	for await (const number of lines) io.emit('new_message', { number, at: Date.now() });
};

const receive = async () => {
	const urls = JSON.parse((await lines.next()).value);
	const latencies = [];
	let lastHeard = Date.now();
	const peers = urls.map((url) => {
		const peer = { socket: connect(url, { forceNew: true }), times: new Map() };
		peer.socket.on('new_message', ({ number, at }) => {
			lastHeard = Date.now();
			peer.times.set(number, (peer.times.get(number) ?? 0) + 1);
			latencies.push(lastHeard - at);
		});
		return peer;
	});
	const connected = () => peers.every(({ socket }) => socket.connected);
	while (!connected()) await new Promise((resolve) => setTimeout(resolve, 50));
	console.log('ready');
	await lines.next();
	while (!connected() || Date.now() - lastHeard < QUIET) await new Promise((resolve) => setTimeout(resolve, 50));
	const times = peers.flatMap((peer) => [...peer.times.values()]);
	const delivered = times.filter((count) => count === 1).length;
	console.log(JSON.stringify({ delivered, doubled: times.length - delivered, latencies }));
};

const rooms = async () => {
	const kept = options.keep && (await open(options.keep, 'a'));
	let said = 0;
	const io = await listening({}, (socket) => {
		socket.emit('session', {});
		socket.on('join_room', ({ roomId }, answer) => {
			socket.join(roomId);
			answer({ ok: true });
		});
		socket.on('message', async ({ roomId, content, attachments, metadata }, answer) => {
			const [id, createdAt] = [`message-${++said}`, new Date().toISOString()];
			const who = { userId: 'person-0', userName: 'person-0', userType: 'clinician' };
			const message = { id, roomId, ...who, content, attachments, metadata, createdAt };
			if (kept) {
				await kept.appendFile(`${JSON.stringify(message)}\n`);
				await kept.datasync();
			}
			answer({ ok: true, id, roomId, createdAt });
			io.to(roomId).emit('new_message', message);
		});
	});
	for await (const _ of lines);
};

await { server: serve, rooms, clients: receive }[positionals[0]]();
process.exit(0);
