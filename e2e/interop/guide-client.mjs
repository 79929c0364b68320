/**
 * A chat service as HugMeDo's published guide (GUIDE-011F-C2) has web developers write it, on the official `socket.io-client`:
 * the same options, events and fields, and no others. It asks for no acks and knows no `session`, `seq` or client ids.
 */
import { io } from 'socket.io-client';

export class GuideClient {
	#socket;
	#received = [];
	#waiting = new Set();

	/** What the guide's page would show: whether it is connected, and the last error's message. */
	connected = false;
	error = null;

	/**
	 * @param {string} url the server
	 * @param {string} token
	 * @param {{ transports?: string[] }} [options] as `socket.io-client` takes them; the guide sets none
	 */
	constructor(url, token, options = {}) {
		this.#socket = io(url, {
			autoConnect: false,
			reconnection: true,
			reconnectionAttempts: 5,
			reconnectionDelay: 1000,
			auth: { token },
			// Only for these tests: several clients in one process must not share a connection.
			forceNew: true,
			...options
		});
		this.#socket.on('connect', () => {
			this.#note(() => ([this.connected, this.error] = [true, null]));
			this.#socket.io.engine.on('upgrade', () => this.#note(() => {}));
		});
		this.#socket.on('disconnect', () => this.#note(() => (this.connected = false)));
		this.#socket.on('connect_error', (error) =>
			this.#note(() => ([this.connected, this.error] = [false, error.message]))
		);
		for (const event of ['new_message', 'typing', 'notification']) {
			this.#socket.on(event, (...payload) => this.#note(() => this.#received.push({ event, payload })));
		}
		this.#socket.connect();
	}

	get transport() {
		return this.#socket.io.engine?.transport.name;
	}

	joinRoom(roomId, user) {
		this.#socket.emit('join_room', { roomId, userId: user.id, userType: user.userType });
	}

	leaveRoom(roomId, user) {
		this.#socket.emit('leave_room', { roomId, userId: user.id });
	}

	sendMessage(roomId, { content, attachments = [], metadata = {} }) {
		this.#socket.emit('message', { roomId, content, attachments, metadata });
	}

	sendTyping(roomId, user, isTyping) {
		this.#socket.emit('typing', { roomId, userId: user.id, isTyping });
	}

	/** Something the guide does not send, to see what comes back. */
	emitWithAck(event, payload) {
		return this.#socket.timeout(10_000).emitWithAck(event, payload);
	}

	disconnect() {
		this.#socket.disconnect();
	}

	/** The payloads of an event received so far. Every event must carry exactly one. */
	received(event) {
		return this.#received
			.filter((item) => item.event === event)
			.map(({ payload }) => {
				if (payload.length !== 1) throw new Error(`${event} carried ${payload.length} arguments`);
				return payload[0];
			});
	}

	/** Resolves to the first answer of `condition` that is true; asks again whenever something has happened. */
	until(condition, what) {
		return new Promise((resolve, reject) => {
			const look = () => {
				const answer = condition(this);
				if (!answer) return;
				clearTimeout(timer);
				this.#waiting.delete(look);
				resolve(answer);
			};
			const timer = setTimeout(() => {
				this.#waiting.delete(look);
				reject(new Error(`waited in vain for ${what}; connected: ${this.connected}, error: ${this.error}`));
			}, 15_000);
			this.#waiting.add(look);
			look();
		});
	}

	#note(change) {
		change();
		for (const look of [...this.#waiting]) look();
	}
}
