/**
 * Who is signed in to the fake backend, and what it shows while it is locked.
 *
 * It behaves as core does where the interface can see it: what is locked shows no room, and wrong PINs run out.
 */
import { BackendError } from './backend';
import type { Credentials } from './bindings/Credentials';
import type { DeviceView } from './bindings/DeviceView';
import type { LockView } from './bindings/LockView';
import type { SecondFactorOffer } from './bindings/SecondFactorOffer';
import type { SecondFactorProof } from './bindings/SecondFactorProof';
import type { SecondFactorView } from './bindings/SecondFactorView';
import type { SessionView } from './bindings/SessionView';
import type { ViewChange } from './bindings/ViewChange';
import type { FakeFiles } from './fake-files';
import { FakeRoom, type FakeRooms } from './fake-rooms';
import { people, sampleRooms } from './sample';
import { sampled } from './sample-odd';
import { now } from './sample-scene';

const DAY = 24 * 60 * 60 * 1000;

export class FakeDoor {
	session: SessionView | null = null;
	lock: LockView | null = null;
	pin: string | null = '4711';
	secondFactor: SecondFactorView;
	devices: DeviceView[] = [
		{ id: 'here', firstSignedInAt: now(-40 * DAY), seenAt: now(), isSignedIn: true, isThis: true },
		{ id: 'ward', firstSignedInAt: now(-30 * DAY), seenAt: now(-2 * DAY), isSignedIn: true, isThis: false }
	];
	/** Who is there again after unlocking. */
	#locked: SessionView | null = null;

	constructor(
		private readonly scene: URLSearchParams,
		private readonly publish: (change: ViewChange) => void,
		private readonly rooms: FakeRooms,
		private readonly files: FakeFiles
	) {
		const state = scene.get('state');
		this.secondFactor = { inUse: state === 'otp', required: state === 'otp-setup', recoveryCodesLeft: 0 };
	}

	/** `?state=otp`: the account has a second factor; `?state=otp-setup`: it has to get one first. Its only code is 123456. */
	askForCode(shown: Credentials) {
		if (shown.kind !== 'password') return;
		if (this.scene.get('state') === 'otp-setup' && !this.secondFactor.inUse)
			throw new BackendError('otpSetupRequired', 'set one up first', false);
		if (this.secondFactor.inUse) this.#judge(shown.otp);
	}

	offerSecondFactor({ password, otp }: SecondFactorProof): SecondFactorOffer {
		if (password === 'wrong') throw new BackendError('unauthorized', 'refused', false);
		if (this.secondFactor.inUse) this.#judge(otp);
		const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
		// Not one that could be scanned: finders and a pattern.
		const dot = (x: number, y: number) => ((x * 7 + y * 13 + x * y) % 3 === 0 ? '1' : '0');
		const qr = Array.from({ length: 33 }, (_, y) => Array.from({ length: 33 }, (_, x) => dot(x, y)).join(''));
		return { secret, uri: `otpauth://totp/HugMeDo%20Chat:sato?secret=${secret}`, qr };
	}

	confirmSecondFactor({ otp }: SecondFactorProof): string[] {
		this.#judge(otp);
		this.secondFactor = { ...this.secondFactor, inUse: true, recoveryCodesLeft: 10 };
		return Array.from({ length: 10 }, (_, number) => `AAAA-BBBB-CCCC-${String(2222 + number)}`);
	}

	removeSecondFactor({ password, otp }: SecondFactorProof) {
		if (password === 'wrong') throw new BackendError('unauthorized', 'refused', false);
		this.#judge(otp);
		this.secondFactor = { ...this.secondFactor, inUse: false, recoveryCodesLeft: 0 };
	}

	revokeDevice(id: string) {
		this.devices = this.devices.map((device) =>
			device.id === id ? { ...device, isSignedIn: false, eraseAskedAt: now() } : device
		);
	}

	#judge(otp: string | undefined) {
		if (otp !== '123456') throw new BackendError('otpRequired', 'a code is needed', false);
	}

	/** Someone comes in; whoever is told of it is told by the caller. */
	enter(server: string, remembered: boolean): SessionView {
		this.session = { user: people.sato, server, remembered, baseline: this.scene.get('state') === 'baseline' };
		if (this.scene.get('state') !== 'empty') {
			for (const { view, messages } of sampled(this.scene, sampleRooms())) {
				this.rooms.set(view.id, new FakeRoom(view, messages));
				for (const row of messages) for (const file of row.attachments) this.files.have(row.roomId, file);
			}
		}
		return this.session;
	}

	leave() {
		this.session = null;
		this.publish({ kind: 'sessionChanged', session: null, ended: null });
	}

	/** Someone signed in instead of unlocking. */
	forget() {
		this.lock = null;
		this.publish({ kind: 'lockChanged', lock: null });
	}

	lockUp() {
		if (!this.session) return;
		const { user, server } = this.session;
		const unread = [...this.rooms.values()].reduce((sum, room) => sum + room.toView().unread, 0);
		this.#locked = this.session;
		this.lock = { user, server, unread, urgent: 0, ...(this.pin !== null && { pin: { attemptsLeft: 8 } }) };
		this.publish({ kind: 'lockChanged', lock: this.lock });
		this.leave();
	}

	unlock(tried: string): SessionView {
		if (!this.lock || !this.#locked) throw new BackendError('notSignedIn', 'nobody is signed in', false);
		if (!this.lock.pin || this.pin === null) throw new BackendError('pinUsedUp', 'mistyped too often', false);
		if (tried !== this.pin) {
			const left = this.lock.pin.attemptsLeft - 1;
			const retryAt = left <= 5 ? now(10_000) : undefined;
			this.lock = { ...this.lock, pin: left > 0 ? { attemptsLeft: left, retryAt } : undefined };
			this.publish({ kind: 'lockChanged', lock: this.lock });
			throw new BackendError('wrongPin', 'another PIN', false);
		}
		this.session = this.#locked;
		this.publish({ kind: 'sessionChanged', session: this.session, ended: null });
		this.forget();
		for (const room of this.rooms.values()) this.publish({ kind: 'roomUpserted', room: room.toView() });
		return this.session;
	}
}
