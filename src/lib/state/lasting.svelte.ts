/**
 * Whether something has been so for a while.
 *
 * What comes and goes with every message would make the window flicker; who waits a moment before showing it shows what lasts.
 */
export class Lasting {
	current = $state(false);

	/** Made while a component is set up: it ends with it. */
	constructor(condition: () => boolean, milliseconds: number) {
		$effect(() => {
			if (!condition()) return;
			const timer = setTimeout(() => (this.current = true), milliseconds);
			return () => {
				clearTimeout(timer);
				this.current = false;
			};
		});
	}
}
