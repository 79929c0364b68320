/**
 * As much of D-Bus as a desktop's other programs need to play their part in a test: calling, being called, names and signals.
 *
 * Values are what one expects in JavaScript: numbers, strings, arrays; `a{..}` is an object. A variant is written as
 * `[signature, value]` and read as the value alone.
 */
import { connect } from 'node:net';

const BUS = 'org.freedesktop.DBus';
const [CALL, RETURN, ERROR, SIGNAL] = [1, 2, 3, 4];
/** The header's fields, by their numbers. */
const FIELDS = ['', 'path', 'interface', 'member', 'errorName', 'replySerial', 'destination', 'sender', 'signature'];
const FIELD_TYPES = { path: 'o', replySerial: 'u', signature: 'g' };

export class Bus {
	#socket;
	#serial = 0;
	#waiting = new Map();
	#listeners = [];
	#received = Buffer.alloc(0);

	/** Answers calls: gets `{ path, interface, member, args, sender }`, returns `[signature, ...values]` or throws. */
	answer = () => {
		throw new Error('nobody is here');
	};

	/** @param {string} address such as `unix:path=/run/user/1000/bus` */
	static async connect(address) {
		const bus = new Bus();
		const [, path] = address.match(/path=([^,]+)/);
		bus.#socket = connect(path);
		await bus.#authenticate();
		bus.#socket.on('data', (chunk) => bus.#take(chunk));
		[bus.name] = await bus.call(BUS, '/org/freedesktop/DBus', BUS, 'Hello');
		return bus;
	}

	/** Leaves the bus, as a program that ends does. */
	close() {
		this.#socket.destroy();
	}

	/** Calls a method; resolves to the list of what it returns. */
	call(destination, path, iface, member, signature = '', ...args) {
		const serial = ++this.#serial;
		this.#send({ type: CALL, serial, destination, path, interface: iface, member, signature }, args);
		return new Promise((resolve, reject) => this.#waiting.set(serial, { resolve, reject }));
	}

	/** Sends a signal: to everyone, or to one `destination`. */
	emit({ destination, path, interface: iface, member }, signature = '', ...args) {
		this.#send({ type: SIGNAL, serial: ++this.#serial, destination, path, interface: iface, member, signature }, args);
	}

	/** Takes a name. */
	async own(name) {
		const [outcome] = await this.#ask('RequestName', 'su', name, 4);
		if (outcome !== 1) throw new Error(`${name} is someone else's`);
	}

	/** Gives a name up. */
	release(name) {
		return this.#ask('ReleaseName', 's', name);
	}

	/** Hears signals of this interface and member: `heard({ path, sender, args })`. */
	async listen(iface, member, heard) {
		this.#listeners.push({ iface, member, heard });
		await this.#ask('AddMatch', 's', `type='signal',interface='${iface}',member='${member}'`);
	}

	#ask(member, signature, ...args) {
		return this.call(BUS, '/org/freedesktop/DBus', BUS, member, signature, ...args);
	}

	#authenticate() {
		const socket = this.#socket;
		return new Promise((resolve, reject) => {
			socket.once('error', reject);
			socket.once('data', (line) => {
				if (!String(line).startsWith('OK')) return reject(new Error(`the bus says ${line}`));
				socket.write('BEGIN\r\n');
				resolve();
			});
			socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid())).toString('hex')}\r\n`);
		}).finally(() => socket.removeAllListeners('error').on('error', () => {}));
	}

	#send({ type, serial, signature, ...fields }, args) {
		const body = new Writer();
		split(signature).forEach((part, index) => body.write(part, args[index]));
		const head = new Writer();
		const known = Object.entries({ ...fields, ...(signature && { signature }) }).filter(
			([, value]) => value !== undefined
		);
		for (const byte of ['l'.charCodeAt(0), type, 0, 1]) head.write('y', byte);
		head.write('u', body.length);
		head.write('u', serial);
		head.write(
			'a(yv)',
			known.map(([name, value]) => [FIELDS.indexOf(name), [FIELD_TYPES[name] ?? 's', value]])
		);
		head.align(8);
		this.#socket.write(Buffer.concat([head.bytes(), body.bytes()]));
	}

	#take(chunk) {
		this.#received = Buffer.concat([this.#received, chunk]);
		while (this.#received.length >= 16) {
			const big = this.#received[0] === 'B'.charCodeAt(0);
			const u32 = (at) => (big ? this.#received.readUInt32BE(at) : this.#received.readUInt32LE(at));
			const begin = Math.ceil((16 + u32(12)) / 8) * 8;
			const end = begin + u32(4);
			if (this.#received.length < end) return;
			const message = this.#received.subarray(0, end);
			this.#received = this.#received.subarray(end);
			this.#handle(message, begin, big);
		}
	}

	#handle(bytes, begin, big) {
		const reader = new Reader(bytes, big);
		const [, type, flags] = [reader.read('y'), reader.read('y'), reader.read('y')];
		reader.at = 8;
		const serial = reader.read('u');
		const fields = Object.fromEntries(reader.read('a(yv)').map(([field, value]) => [FIELDS[field], value]));
		reader.at = begin;
		const args = split(fields.signature ?? '').map((part) => reader.read(part));
		if (type === RETURN || type === ERROR) {
			const waiting = this.#waiting.get(fields.replySerial);
			this.#waiting.delete(fields.replySerial);
			if (type === RETURN) waiting?.resolve(args);
			else waiting?.reject(new Error(`${fields.errorName}: ${args[0] ?? ''}`));
		} else if (type === SIGNAL) {
			for (const { iface, member, heard } of this.#listeners) {
				if (iface === fields.interface && member === fields.member) heard({ ...fields, args });
			}
		} else {
			const reply = { serial: ++this.#serial, destination: fields.sender, replySerial: serial };
			try {
				const [signature = '', ...values] = this.answer({ ...fields, args }) ?? [];
				if (!(flags & 1)) this.#send({ type: RETURN, signature, ...reply }, values);
			} catch (error) {
				const errorName = 'org.freedesktop.DBus.Error.Failed';
				this.#send({ type: ERROR, signature: 's', errorName, ...reply }, [error.message]);
			}
		}
	}
}

/** The complete types a signature consists of. */
function split(signature) {
	const types = [];
	for (let at = 0; at < signature.length;) {
		const end = endOfType(signature, at);
		types.push(signature.slice(at, end));
		at = end;
	}
	return types;
}

function endOfType(signature, at) {
	if (signature[at] === 'a') return endOfType(signature, at + 1);
	if (!'({'.includes(signature[at])) return at + 1;
	for (at++; !')}'.includes(signature[at]);) at = endOfType(signature, at);
	return at + 1;
}

const ALIGNMENT = { y: 1, g: 1, v: 1, n: 2, q: 2, x: 8, t: 8, d: 8, '(': 8, '{': 8 };
const alignment = (type) => ALIGNMENT[type[0]] ?? 4;

class Writer {
	#parts = [];
	length = 0;

	bytes() {
		return Buffer.concat(this.#parts);
	}

	align(to) {
		const missing = (to - (this.length % to)) % to;
		if (missing > 0) this.#add(Buffer.alloc(missing));
	}

	write(type, value) {
		this.align(alignment(type));
		const put = (size, method, number = value) => {
			const bytes = Buffer.alloc(size);
			bytes[method](number);
			this.#add(bytes);
		};
		switch (type[0]) {
			case 'y':
				return put(1, 'writeUInt8');
			case 'b':
				return put(4, 'writeUInt32LE', value ? 1 : 0);
			case 'n':
				return put(2, 'writeInt16LE');
			case 'q':
				return put(2, 'writeUInt16LE');
			case 'i':
				return put(4, 'writeInt32LE');
			case 'u':
				return put(4, 'writeUInt32LE');
			case 'x':
				return put(8, 'writeBigInt64LE', BigInt(value));
			case 't':
				return put(8, 'writeBigUInt64LE', BigInt(value));
			case 'd':
				return put(8, 'writeDoubleLE');
			case 's':
			case 'o': {
				put(4, 'writeUInt32LE', Buffer.byteLength(value));
				return this.#add(Buffer.from(`${value}\0`));
			}
			case 'g':
				put(1, 'writeUInt8', value.length);
				return this.#add(Buffer.from(`${value}\0`));
			case 'v': {
				const [signature, inner] = value;
				this.write('g', signature);
				return this.write(signature, inner);
			}
			case 'a': {
				const of = type.slice(1);
				const items = of[0] === '{' ? Object.entries(value) : value;
				put(4, 'writeUInt32LE', 0);
				const place = this.#parts.length - 1;
				this.align(alignment(of));
				const begin = this.length;
				for (const item of items) this.write(of, item);
				this.#parts[place].writeUInt32LE(this.length - begin);
				return;
			}
			default:
				split(type.slice(1, -1)).forEach((part, index) => this.write(part, value[index]));
		}
	}

	#add(bytes) {
		this.#parts.push(bytes);
		this.length += bytes.length;
	}
}

class Reader {
	at = 0;
	#bytes;
	#view;
	#little;

	constructor(bytes, big) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
		this.#little = !big;
	}

	read(type) {
		this.at = Math.ceil(this.at / alignment(type)) * alignment(type);
		const take = (size, method) => {
			const value = this.#view[method](this.at, this.#little);
			this.at += size;
			return value;
		};
		const text = (length) => {
			const value = this.#bytes.toString('utf8', this.at, this.at + length);
			this.at += length + 1;
			return value;
		};
		switch (type[0]) {
			case 'y':
				return take(1, 'getUint8');
			case 'b':
				return take(4, 'getUint32') === 1;
			case 'n':
				return take(2, 'getInt16');
			case 'q':
				return take(2, 'getUint16');
			case 'i':
				return take(4, 'getInt32');
			case 'u':
				return take(4, 'getUint32');
			case 'x':
				return Number(take(8, 'getBigInt64'));
			case 't':
				return Number(take(8, 'getBigUint64'));
			case 'd':
				return take(8, 'getFloat64');
			case 's':
			case 'o':
				return text(take(4, 'getUint32'));
			case 'g':
				return text(take(1, 'getUint8'));
			case 'v':
				return this.read(this.read('g'));
			case 'a': {
				const of = type.slice(1);
				const length = take(4, 'getUint32');
				this.at = Math.ceil(this.at / alignment(of)) * alignment(of);
				const end = this.at + length;
				const items = [];
				while (this.at < end) items.push(this.read(of));
				return of[0] === '{' ? Object.fromEntries(items) : items;
			}
			default:
				return split(type.slice(1, -1)).map((part) => this.read(part));
		}
	}
}
