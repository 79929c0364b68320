/** What docs/operations.md tells to type, so that it is tried as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';

/** The commands under a heading, in their order, without the alias that some of them use. */
export function commandsUnder(heading) {
	const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
	const [section] = page.split(`\n## ${heading}\n`)[1].split('\n## ');
	return [...section.matchAll(/```sh\n(.*?)```/gs)]
		.flatMap(([, block]) => block.trim().split('\n'))
		.filter((line) => !line.startsWith('alias '));
}
