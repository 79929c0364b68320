/** English. */
import type { Texts } from '../ja';
import { connection } from './connection';
import { conversation } from './conversation';
import { door } from './door';
import { errors } from './errors';
import { rollout } from './rollout';
import { rooms } from './rooms';
import { settings } from './settings';

export const en: Texts = {
	productName: 'HugMeDo Chat',
	dates: {
		today: 'Today',
		yesterday: 'Yesterday'
	},
	...door,
	...rooms,
	...conversation,
	...connection,
	...settings,
	...errors,
	...rollout
};
