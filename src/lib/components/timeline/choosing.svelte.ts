/**
 * The message that one chose in the timeline: the one that is pointed at, or that has the focus, and how the keyboard goes from
 * one to the next.
 *
 * Invariant: one row at a time holds the focus, and it is drawn; where that row is gone, one goes on from what is in view.
 */
import { tick } from 'svelte';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { actionOfKey } from '$lib/components/message/words';
import type { MessageActions } from '$lib/state/actions.svelte';
import type { Item } from './rows';
import { MOST_FRAMES, nextFrame } from './settle';

/** What the choice needs of the list it is made in. */
export interface Listed {
	scroller: () => HTMLElement | undefined;
	items: () => Item[];
	/** The index of the last item in view. */
	lastInView: () => number;
	/** Has the list draw an item, and bring it into sight. */
	bring: (index: number) => void;
	toEnd: () => void;
	/** Leaves the list for the field one writes in. */
	leave: () => void;
	/** The person turns upwards. */
	upwards: () => void;
}

export class Choosing {
	readonly #list: Listed;
	readonly #actions: MessageActions;
	/** The key of the row that is pointed at, and of the one that had the focus last. */
	#pointed = $state('');
	#chosen = $state('');
	/** The key of the row that is to have the focus as soon as it can. */
	#wanted = '';
	/** Whether anything in the list has the focus. */
	within = $state(false);

	constructor(actions: MessageActions, list: Listed) {
		this.#actions = actions;
		this.#list = list;
	}

	/** The row that was chosen last, if it is here. */
	get row(): MessageView | undefined {
		return this.#rowOf(this.#chosen);
	}

	/** Whether its tools are shown. */
	isActive(key: string): boolean {
		return key === this.#pointed || (this.within && key === this.#chosen) || key === this.#actions.asked?.row.key;
	}

	point(target: EventTarget | null) {
		this.#pointed = keyOf(target);
	}

	focusin(target: EventTarget | null) {
		this.within = true;
		this.#chosen = keyOf(target);
		if (this.#chosen !== '') this.#wanted = this.#chosen;
	}

	/** What is drawn of a row. */
	element(key: string): HTMLElement | null {
		return (
			this.#list.scroller()?.querySelector<HTMLElement>(`[data-testid=message][data-key="${CSS.escape(key)}"]`) ?? null
		);
	}

	keydown(event: KeyboardEvent) {
		const row = this.row;
		const target = event.target as HTMLElement;
		if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) this.#list.upwards();
		const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
		if (step !== 0) void this.#move(step);
		else if (event.key === 'End') this.#list.toEnd();
		else if (event.key === 'Escape') this.#list.leave();
		else if (!row || target.dataset.testid !== 'message') return;
		else if (['Enter', 'ContextMenu', 'F10'].includes(event.key)) this.#actions.ask('menu', row, target);
		else {
			const action = actionOfKey(event);
			if (!action) return;
			void this.#actions.do(action, row, target);
		}
		event.preventDefault();
	}

	contextmenu(event: MouseEvent) {
		const row = this.#rowOf(keyOf(event.target));
		// A selection is copied, and a link has a menu of its own.
		const selected = document.getSelection()?.isCollapsed === false;
		if (!row || selected || (event.target as HTMLElement).closest('a')) return;
		event.preventDefault();
		const { clientX, clientY } = event;
		this.#actions.ask('menu', row, { getBoundingClientRect: () => new DOMRect(clientX, clientY, 0, 0) });
	}

	/** Gives the focus to the message before or after the one that has it, or to the last one in view. */
	async #move(step: 1 | -1) {
		const items = this.#list.items();
		const chosen = items.findIndex((item) => item.key === this.#chosen);
		// What was chosen may have gone, with its row or with the stretch it was in.
		let index = (chosen < 0 ? this.#list.lastInView() + (step === -1 ? 1 : 0) : chosen) + step;
		while (items[index] && items[index]?.kind !== 'message') index += step;
		const key = items[index]?.key;
		if (key === undefined) return;
		this.#list.bring(index);
		await this.focus(key);
	}

	/**
	 * Gives a row that was brought into sight the focus, unless another is chosen meanwhile. It takes none before it is drawn, nor
	 * while the list hides it because it has not been measured, which on a slow computer is many frames later.
	 */
	async focus(key: string) {
		this.#chosen = this.#wanted = key;
		await tick();
		for (let frame = 0; frame < MOST_FRAMES && this.#wanted === key; frame++) {
			const element = this.element(key);
			element?.focus({ preventScroll: true });
			if (element && element === document.activeElement) return;
			await nextFrame();
		}
	}

	#rowOf(key: string): MessageView | undefined {
		const item = this.#list.items().find((item) => item.key === key);
		return item?.kind === 'message' ? item.row : undefined;
	}
}

function keyOf(target: EventTarget | null): string {
	return (target as HTMLElement | null)?.closest<HTMLElement>('[data-testid=message]')?.dataset.key ?? '';
}
