/** The samples as someone would send them who means ill: every text brings markup, and a word without end. */

/** Run, it would show itself: `hit` would be set on the window, or an element of it found. */
const MARKUP = `<img src=x onerror="window.hit=1"><script>window.hit=1</script><b id=odd>太</b>&lt;${'長'.repeat(60)} `;
const TEXTS = ['name', 'role', 'content', 'title', 'preview', 'authorName'];

/** The samples of a scene, spoilt if it says so. */
export function sampled<T>(scene: URLSearchParams, samples: T): T {
	if (scene.get('odd') !== 'html') return samples;
	const spoilt = JSON.stringify(samples, (key, value: unknown) =>
		TEXTS.includes(key) && typeof value === 'string' ? MARKUP + value : value
	);
	return JSON.parse(spoilt) as T;
}
