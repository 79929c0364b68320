/**
 * A program from which files are dragged, as far as a window on X11 can tell: the source's side of XDND 5.
 *
 * No hand moves a pointer: where the files are over the window is said in the messages, as it is by every source.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const [REPLY, SELECTION_REQUEST, SELECTION_NOTIFY, CLIENT_MESSAGE] = [1, 30, 31, 33];
const ATOMS = [
	'XdndSelection',
	'XdndEnter',
	'XdndPosition',
	'XdndStatus',
	'XdndLeave',
	'XdndDrop',
	'XdndFinished',
	'XdndActionCopy'
];

export class Dragging {
	#socket;
	#received = Buffer.alloc(0);
	#replies = [];
	/** Who waits for which message of the window. */
	#heard = new Map();
	#atoms = {};
	#window;
	#target;
	#kinds;

	/**
	 * @param {string} display such as `:99`
	 * @param {Record<string, string>} kinds what is offered, by its type, such as `{ 'text/uri-list': 'file:///tmp/x\r\n' }`; at most three
	 */
	static async begin(display, kinds) {
		const source = new Dragging();
		source.#socket = connect(`/tmp/.X11-unix/X${display.slice(1)}`);
		await once(source.#socket, 'connect');
		source.#socket.on('data', (chunk) => source.#take(chunk));
		const hello = Buffer.alloc(12);
		hello.write('l');
		hello.writeUInt16LE(11, 2);
		source.#socket.write(hello);
		const told = await source.#reply();
		if (told[0] !== 1) throw new Error('the display lets nobody in');
		source.#window = told.readUInt32LE(12) | 1;
		const root = told.readUInt32LE(40 + padded(told.readUInt16LE(24)) + 8 * told[29]);
		for (const name of [...ATOMS, ...Object.keys(kinds)]) source.#atoms[name] = await source.#atom(name);
		source.#kinds = Object.entries(kinds).map(([kind, data]) => [source.#atoms[kind], Buffer.from(data)]);
		const size = Buffer.alloc(12);
		size.writeUInt16LE(1, 4);
		size.writeUInt16LE(1, 6);
		source.#ask(1, 0, longs(source.#window, root), size, longs(0, 0));
		source.#ask(22, 0, longs(source.#window, source.#atoms.XdndSelection, 0));
		return source;
	}

	/** Comes over a window, at a place of the screen. Answers whether they may be dropped there. */
	async over(window, x, y) {
		if (!this.#target) {
			this.#target = Number(window);
			const kinds = this.#kinds.map(([kind]) => kind);
			this.#tell('XdndEnter', 5 << 24, ...kinds);
		}
		const answer = this.#hears('XdndStatus');
		this.#tell('XdndPosition', 0, (x << 16) | y, 0, this.#atoms.XdndActionCopy);
		return ((await answer).readUInt32LE(16) & 1) === 1;
	}

	/** Goes away again. */
	leave() {
		this.#tell('XdndLeave');
		this.#target = undefined;
	}

	/** Lets go. Answers whether it was taken. */
	async drop() {
		const answer = this.#hears('XdndFinished');
		this.#tell('XdndDrop', 0, 0);
		return ((await answer).readUInt32LE(16) & 1) === 1;
	}

	end() {
		this.#socket.destroy();
	}

	#hears(name) {
		return new Promise((resolve) => this.#heard.set(this.#atoms[name], resolve));
	}

	#tell(name, ...data) {
		const message = Buffer.alloc(32);
		message[0] = CLIENT_MESSAGE;
		message[1] = 32;
		message.writeUInt32LE(this.#target, 4);
		message.writeUInt32LE(this.#atoms[name], 8);
		[this.#window, ...data].forEach((value, index) => message.writeUInt32LE(value >>> 0, 12 + 4 * index));
		this.#send(this.#target, message);
	}

	#send(window, event) {
		this.#ask(25, 0, longs(window, 0), event);
	}

	async #atom(name) {
		const head = Buffer.alloc(4);
		head.writeUInt16LE(name.length);
		this.#ask(16, 0, head, filled(Buffer.from(name)));
		return (await this.#reply()).readUInt32LE(8);
	}

	#ask(opcode, detail, ...parts) {
		const body = Buffer.concat(parts);
		const head = Buffer.from([opcode, detail, 0, 0]);
		head.writeUInt16LE(1 + body.length / 4, 2);
		this.#socket.write(Buffer.concat([head, body]));
	}

	#reply() {
		return new Promise((resolve) => this.#replies.push(resolve));
	}

	#take(chunk) {
		this.#received = Buffer.concat([this.#received, chunk]);
		for (;;) {
			const received = this.#received;
			const greeting = this.#window === undefined;
			if (received.length < (greeting ? 8 : 32)) return;
			const more = greeting
				? 8 + 4 * received.readUInt16LE(6)
				: received[0] === REPLY
					? 32 + 4 * received.readUInt32LE(4)
					: 32;
			if (received.length < more) return;
			this.#received = received.subarray(more);
			this.#heardOf(received.subarray(0, more), greeting);
		}
	}

	#heardOf(message, greeting) {
		const kind = message[0] & 0x7f;
		if (greeting || kind === REPLY) this.#replies.shift()(message);
		else if (kind === 0) throw new Error(`the display refuses request ${message[10]} with error ${message[1]}`);
		else if (kind === SELECTION_REQUEST) this.#hand(message);
		else if (kind === CLIENT_MESSAGE) this.#heard.get(message.readUInt32LE(8))?.(message);
	}

	/** Hands over what the window asks for. */
	#hand(request) {
		const [time, , requestor, selection, target, asked] = [4, 8, 12, 16, 20, 24].map((at) => request.readUInt32LE(at));
		const data = this.#kinds.find(([kind]) => kind === target)?.[1];
		const property = data ? asked || target : 0;
		if (data)
			this.#ask(18, 0, longs(requestor, property, target), Buffer.from([8, 0, 0, 0]), longs(data.length), filled(data));
		const answer = Buffer.alloc(32);
		answer[0] = SELECTION_NOTIFY;
		[time, requestor, selection, target, property].forEach((value, index) =>
			answer.writeUInt32LE(value, 4 + 4 * index)
		);
		this.#send(requestor, answer);
	}
}

function longs(...values) {
	const bytes = Buffer.alloc(4 * values.length);
	values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index));
	return bytes;
}

const padded = (length) => Math.ceil(length / 4) * 4;
const filled = (bytes) => Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
