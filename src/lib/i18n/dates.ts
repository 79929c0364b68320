/** Times and days as people of each language write them. Everything is shown in the computer's own time zone. */
import type { Language } from '$lib/backend/bindings/Language';
import type { Texts } from './ja';

export const LOCALES: Record<Language, string> = { ja: 'ja-JP', en: 'en-GB' };

const TIME = { hour: '2-digit', minute: '2-digit' } as const;
const SECONDS = { ...TIME, second: '2-digit' } as const;
const DAY = {
	ja: { year: 'numeric', month: '2-digit', day: '2-digit' },
	en: { year: 'numeric', month: 'short', day: 'numeric' }
} as const;

/** `09:05` */
export function timeOfDay(language: Language, at: Date): string {
	return new Intl.DateTimeFormat(LOCALES[language], TIME).format(at);
}

/** `09:05:30` */
export function timeWithSeconds(language: Language, at: Date): string {
	return new Intl.DateTimeFormat(LOCALES[language], SECONDS).format(at);
}

/** `2026/11/23 09:05:30` */
export function moment(language: Language, at: Date): string {
	return new Intl.DateTimeFormat(LOCALES[language], { ...DAY[language], ...SECONDS }).format(at);
}

/** `2026/11/23 09:05` */
export function dayAndTime(language: Language, at: Date): string {
	return new Intl.DateTimeFormat(LOCALES[language], { ...DAY[language], ...TIME }).format(at);
}

/** `2026/11/23` */
export function date(language: Language, at: Date): string {
	return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium' }).format(at);
}

/** 今日, 昨日, 11月23日(月); with the year where it is not this one. */
export function day(language: Language, texts: Texts, at: Date, now: Date): string {
	const age = daysBetween(at, now);
	if (age === 0) return texts.dates.today;
	if (age === 1) return texts.dates.yesterday;
	return new Intl.DateTimeFormat(LOCALES[language], {
		year: at.getFullYear() === now.getFullYear() ? undefined : 'numeric',
		month: 'long',
		day: 'numeric',
		weekday: 'short'
	}).format(at);
}

/** The time today, else the day, short enough for a list. */
export function whenInList(language: Language, texts: Texts, at: Date, now: Date): string {
	const age = daysBetween(at, now);
	if (age === 0) return timeOfDay(language, at);
	if (age === 1) return texts.dates.yesterday;
	return new Intl.DateTimeFormat(LOCALES[language], { month: 'numeric', day: 'numeric' }).format(at);
}

/** Whole days from one date to another by the calendar, not by hours. */
export function daysBetween(from: Date, to: Date): number {
	const midnight = (at: Date) => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
	return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}
