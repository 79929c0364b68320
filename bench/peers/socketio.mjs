/**
 * The official Socket.IO, server and clients, as its documentation sets it up, for `reliability jitter`.
 *
 *     node bench/peers/socketio.mjs server [--recovery]
 *     node bench/peers/socketio.mjs clients
 *
 * The server prints `listening on http://127.0.0.1:PORT`; each line on its standard input is published to everyone as one
 * message of that number. The clients read one line, a JSON array with an address for each of them, print `ready` once all
 * are connected, and on a line `report` wait until all are connected again and nothing has come for a while, and print what
 * was delivered. With `--recovery` the server has connection state recovery, with its default of two minutes.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';

/** Nothing more is expected after so long without anything. */
const QUIET = 5_000;

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: { recovery: { type: 'boolean', default: false } }
});
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const serve = async () => {
	const http = createServer();
	const io = new Server(http, options.recovery ? { connectionStateRecovery: {} } : {});
	// Recovery needs an offset to go on from, so a client must have heard something before it is first cut off.
	io.on('connection', (socket) => socket.emit('welcome'));
	await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
	console.log(`listening on http://127.0.0.1:${http.address().port}`);
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

await { server: serve, clients: receive }[positionals[0]]();
process.exit(0);
