/** 日本語。 The first language: `en` has to say the same things. */
import { connection } from './connection';
import { conversation } from './conversation';
import { door } from './door';
import { errors } from './errors';
import { rollout } from './rollout';
import { rooms } from './rooms';
import { settings } from './settings';

export const ja = {
	productName: 'HugMeDo Chat',
	dates: {
		today: '今日',
		yesterday: '昨日'
	},
	...door,
	...rooms,
	...conversation,
	...connection,
	...settings,
	...errors,
	...rollout
};

export type Texts = typeof ja;
