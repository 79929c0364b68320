/**
 * As much of the W3C WebDriver protocol as the window tests need, over fetch.
 *
 * Nothing here waits: a test waits for the state it wants (`eventually`), never for a time.
 */

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Keys as WebDriver spells them. */
export const Key = { enter: '\uE007', shift: '\uE008', control: '\uE009', escape: '\uE00C', backspace: '\uE003' };

/** A command the driver refused; `code` is WebDriver's error code such as `stale element reference`. */
export class WebDriverError extends Error {
	constructor(code, message) {
		super(`${code}: ${message}`);
		this.code = code;
	}
}

export class WebDriver {
	#session;

	/** Opens a session, which starts the app. */
	static async open(driverAddress, capabilities) {
		const { sessionId } = await request('POST', `${driverAddress}/session`, {
			capabilities: { alwaysMatch: capabilities }
		});
		const driver = new WebDriver();
		driver.#session = `${driverAddress}/session/${sessionId}`;
		return driver;
	}

	/** Ends the session, which ends the app. */
	close() {
		return request('DELETE', this.#session);
	}

	/** Runs a function in the page; arguments and answer are JSON. A promise is waited for. */
	async run(script, ...args) {
		const answer = await request('POST', `${this.#session}/execute/async`, {
			script: `const done = arguments[arguments.length - 1];
				Promise.resolve()
					.then(() => (${script}).apply(null, Array.from(arguments).slice(0, -1)))
					.then((value) => done({ value: value === undefined ? null : value }), (error) => done({ error: String(error) }));`,
			args
		});
		if (answer.error) throw new WebDriverError('javascript error', answer.error);
		return answer.value;
	}

	/** The first element that matches a CSS selector. */
	async find(selector) {
		const found = await request('POST', `${this.#session}/element`, { using: 'css selector', value: selector });
		return new Element(this.#session, found[ELEMENT]);
	}

	/** Loads the page again, as the person can. */
	reload() {
		return request('POST', `${this.#session}/refresh`, {});
	}

	/** The page as PNG, as the engine renders it for the driver. What the screen shows is the desktop's to say. */
	async screenshot() {
		return Buffer.from(await request('GET', `${this.#session}/screenshot`), 'base64');
	}
}

class Element {
	#path;

	constructor(session, id) {
		this.#path = `${session}/element/${id}`;
	}

	click() {
		return request('POST', `${this.#path}/click`, {});
	}

	clear() {
		return request('POST', `${this.#path}/clear`, {});
	}

	/** Types as on a keyboard. */
	async type(text) {
		if (text !== '') await request('POST', `${this.#path}/value`, { text: withShift(text) });
	}
}

/** WebKitGTK's driver types `a` for `A` unless Shift is held as on the US keyboard it pretends to have. */
function withShift(text) {
	const shifted = '~!@#$%^&*()_+{}|:"<>?';
	const plain = "`1234567890-=[]\\;',./";
	const hold = (key) => Key.shift + key + Key.shift;
	return text.replace(/[A-Z~!@#$%^&*()_+{}|:"<>?]/g, (key) =>
		hold(/[A-Z]/.test(key) ? key.toLowerCase() : plain[shifted.indexOf(key)])
	);
}

async function request(method, url, body) {
	const response = await fetch(url, {
		method,
		headers: body && { 'content-type': 'application/json; charset=utf-8' },
		body: body && JSON.stringify(body),
		// A page that goes while it is asked never answers.
		signal: AbortSignal.timeout(60_000)
	});
	const { value } = await response.json();
	if (!response.ok) throw new WebDriverError(value.error, value.message);
	return value;
}
