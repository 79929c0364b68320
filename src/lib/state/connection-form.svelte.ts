/**
 * The connection settings while someone changes them.
 *
 * Invariants: nothing is in force until it is saved; what cannot be right is told at its field and not saved; core has the
 * last word on the proxy and the certificate file, and its refusal changes nothing; what the organisation has decided stays.
 */
import { BackendError } from '$lib/backend/backend';
import type { ConnectionSettings } from '$lib/backend/bindings/ConnectionSettings';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import { DEFAULT_CONNECTION } from '$lib/backend/connection';

/** A field that holds a number: what a unit of it is in core's terms, and what makes sense. */
export const NUMBERS = {
	reconnectionAttempts: { unit: 1, least: 0, most: 1_000 },
	reconnectionDelayMs: { unit: 1_000, least: 0.1, most: 60 },
	reconnectionDelayMaxMs: { unit: 1_000, least: 1, most: 600 },
	timeoutMs: { unit: 1_000, least: 1, most: 120 }
} as const;

export type NumberField = keyof typeof NUMBERS;
export type Field = keyof ConnectionSettings;
/** What is wrong with a field: core's word, out of its range, or below the first wait. */
export type FieldProblem = ErrorCode | 'range' | 'belowDelay';

const NUMBER_FIELDS = Object.keys(NUMBERS) as NumberField[];

export class ConnectionForm {
	readonly #save: (settings: ConnectionSettings) => Promise<void>;
	readonly #fixed: ('proxy' | 'caFile')[];
	#stored = $state.raw<ConnectionSettings>(DEFAULT_CONNECTION);

	/** What stands in the fields. */
	fields = $state<Record<Field, string>>(written(DEFAULT_CONNECTION));
	problems = $state<Partial<Record<Field, FieldProblem>>>({});
	/** What is wrong that belongs to no field. */
	problem = $state<ErrorCode | null>(null);
	busy = $state(false);
	/** What came of the last save, until someone types. */
	outcome = $state<'saved' | 'unchanged' | null>(null);

	/** `fixed`: what is not the person's to change. */
	constructor(
		stored: ConnectionSettings,
		save: (settings: ConnectionSettings) => Promise<void>,
		fixed: ('proxy' | 'caFile')[] = []
	) {
		this.#save = save;
		this.#fixed = fixed;
		this.#show(stored);
	}

	changed = $derived(differ(this.fields, written(this.#stored)));
	isDefault = $derived(!differ(this.fields, written(DEFAULT_CONNECTION)));

	/** Someone typed. */
	input(field: Field) {
		this.problems = { ...this.problems, [field]: undefined };
		this.problem = null;
		this.outcome = null;
	}

	/** Shows what the app came with, to be saved like any other change. */
	reset() {
		const kept = Object.fromEntries(this.#fixed.map((field) => [field, this.#stored[field]]));
		this.fields = { ...written(DEFAULT_CONNECTION), ...kept };
		this.problems = {};
		this.problem = null;
		this.outcome = null;
	}

	/** False where something is wrong. True once it is in force. */
	async save(): Promise<boolean> {
		if (this.busy) return false;
		const settings = this.#checked();
		if (!settings) return false;
		if (!this.changed) {
			this.outcome = 'unchanged';
			return true;
		}
		this.busy = true;
		this.problem = null;
		try {
			await this.#save(settings);
			this.#show(settings);
			this.outcome = 'saved';
			return true;
		} catch (failure) {
			const code = failure instanceof BackendError ? failure.code : 'internal';
			if (code === 'invalidProxy') this.problems = { proxy: code };
			else if (code === 'invalidCaFile') this.problems = { caFile: code };
			else this.problem = code;
		} finally {
			this.busy = false;
		}
		return false;
	}

	#show(settings: ConnectionSettings) {
		this.#stored = settings;
		this.fields = written(settings);
		this.problems = {};
	}

	#checked(): ConnectionSettings | null {
		const problems: Partial<Record<Field, FieldProblem>> = {};
		const settings = { ...DEFAULT_CONNECTION, proxy: this.fields.proxy.trim(), caFile: this.fields.caFile.trim() };
		for (const field of NUMBER_FIELDS) {
			const { unit, least, most } = NUMBERS[field];
			const value = number(this.fields[field]);
			const whole = unit > 1 || Number.isInteger(value);
			if (whole && value >= least && value <= most) settings[field] = Math.round(value * unit);
			else problems[field] = 'range';
		}
		if (!problems.reconnectionDelayMs && !problems.reconnectionDelayMaxMs) {
			if (settings.reconnectionDelayMaxMs < settings.reconnectionDelayMs)
				problems.reconnectionDelayMaxMs = 'belowDelay';
		}
		this.problems = problems;
		return Object.keys(problems).length === 0 ? settings : null;
	}
}

/** As it is typed, also with a Japanese keyboard's wide digits. */
function number(text: string): number {
	const plain = text.normalize('NFKC').trim();
	return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : NaN;
}

function written(settings: ConnectionSettings): Record<Field, string> {
	const texts = { proxy: settings.proxy, caFile: settings.caFile } as Record<Field, string>;
	for (const field of NUMBER_FIELDS) texts[field] = String(settings[field] / NUMBERS[field].unit);
	return texts;
}

function differ(left: Record<Field, string>, right: Record<Field, string>): boolean {
	return (Object.keys(left) as Field[]).some((field) => left[field].trim() !== right[field].trim());
}
