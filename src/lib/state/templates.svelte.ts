/**
 * Texts a person writes often (定型文), to be inserted while writing.
 *
 * Invariants: core has what is shown here, or the failure is said and what core has is shown again; the person's order holds.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { Template } from '$lib/backend/bindings/Template';
import { folded } from '$lib/i18n/fold';

/** The longest title, in Unicode scalar values; core's rule. */
export const MAX_TITLE_CHARS = 80;

export class Templates {
	readonly #backend: Backend;

	/** Null until asked for. */
	all = $state.raw<Template[] | null>(null);
	problem = $state<ErrorCode | null>(null);
	/** What was deleted last, and what stood here before. */
	removed = $state.raw<{ title: string; before: Template[] } | null>(null);

	constructor(backend: Backend) {
		this.#backend = backend;
	}

	/** Asks for them once; they change here only. */
	async load(): Promise<void> {
		if (this.all !== null) return;
		await this.#attempt(async () => {
			this.all = await this.#backend.listTemplates();
		});
	}

	/** Those whose title or text holds the words, those whose title begins so first. */
	matching(words: string): Template[] {
		const wanted = folded(words);
		const rank = ({ title, content }: Template) => {
			if (folded(title).startsWith(wanted)) return 0;
			return folded(title).includes(wanted) ? 1 : folded(content).includes(wanted) ? 2 : 3;
		};
		return (this.all ?? [])
			.map((template) => ({ template, rank: rank(template) }))
			.filter((entry) => entry.rank < 3)
			.sort((a, b) => a.rank - b.rank)
			.map((entry) => entry.template);
	}

	/** Adds one at the end, or words the one with this id anew. */
	async put(template: Template): Promise<boolean> {
		const all = this.all ?? [];
		const known = all.some(({ id }) => id === template.id);
		return this.#save(known ? all.map((old) => (old.id === template.id ? template : old)) : [...all, template]);
	}

	async remove(id: string): Promise<void> {
		const before = this.all ?? [];
		const title = before.find((template) => template.id === id)?.title ?? '';
		if (await this.#save(before.filter((template) => template.id !== id))) this.removed = { title, before };
	}

	async undo(): Promise<void> {
		if (this.removed) await this.#save(this.removed.before);
	}

	/** Exchanges one with the one above (-1) or below it (1). */
	async move(id: string, by: 1 | -1): Promise<void> {
		const all = [...(this.all ?? [])];
		const from = all.findIndex((template) => template.id === id);
		const [moved, other] = [all[from], all[from + by]];
		if (!moved || !other) return;
		all[from + by] = moved;
		all[from] = other;
		await this.#save(all);
	}

	clear() {
		this.all = null;
		this.removed = null;
		this.problem = null;
	}

	#save(all: Template[]): Promise<boolean> {
		return this.#attempt(async () => {
			await this.#backend.saveTemplates(all);
			this.all = all;
			this.removed = null;
		});
	}

	async #attempt(step: () => Promise<void>): Promise<boolean> {
		this.problem = null;
		try {
			await step();
			return true;
		} catch (failure) {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
			return false;
		}
	}
}
