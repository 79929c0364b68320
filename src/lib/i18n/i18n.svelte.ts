/** The language in use and everything that is said in it. */
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { Language } from '$lib/backend/bindings/Language';
import { BackendError } from '$lib/backend/backend';
import * as dates from './dates';
import { en } from './en';
import { ja, type Texts } from './ja';

const TEXTS: Record<Language, Texts> = { ja, en };

/** English where the system asks for it; Japanese otherwise, as this product's first language. */
export function systemLanguage(): Language {
	return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'ja';
}

export class I18n {
	readonly #language: () => Language;

	constructor(language: () => Language) {
		this.#language = language;
	}

	get language(): Language {
		return this.#language();
	}

	get t(): Texts {
		return TEXTS[this.language];
	}

	/** What to tell someone about a failure, with a next step. */
	error(code: ErrorCode): string {
		return this.t.errors[code] ?? this.t.errors.internal;
	}

	/** As {@link error}, for whatever a command has thrown. */
	failure(thrown: unknown): string {
		return this.error(thrown instanceof BackendError ? thrown.code : 'internal');
	}

	time(at: string): string {
		return dates.timeOfDay(this.language, new Date(at));
	}

	timeWithSeconds(at: string): string {
		return dates.timeWithSeconds(this.language, new Date(at));
	}

	/** Day and time to the second, for what has to be told exactly. */
	moment(at: string): string {
		return dates.moment(this.language, new Date(at));
	}

	/** Day and time, for what may be long ago. */
	dayAndTime(at: string): string {
		return dates.dayAndTime(this.language, new Date(at));
	}

	date(at: Date): string {
		return dates.date(this.language, at);
	}

	/** `284 kB`: bytes as people read them; what is not nothing is never told as 0. */
	size(bytes: number): string {
		const [unit, value] =
			bytes < 1_000_000
				? (['kilobyte', bytes > 0 ? Math.max(0.1, bytes / 1_000) : 0] as const)
				: (['megabyte', bytes / 1e6] as const);
		const maximumFractionDigits = value < 10 ? 1 : 0;
		const style = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits } as const;
		return new Intl.NumberFormat(this.locale, style).format(value);
	}

	/** Names in a row. */
	list(names: string[]): string {
		return names.join(this.language === 'ja' ? '、' : ', ');
	}

	get locale(): string {
		return dates.LOCALES[this.language];
	}

	day(at: string, now: Date): string {
		return dates.day(this.language, this.t, new Date(at), now);
	}

	whenInList(at: string, now: Date): string {
		return dates.whenInList(this.language, this.t, new Date(at), now);
	}
}
