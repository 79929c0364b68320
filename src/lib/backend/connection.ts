/** What holds until someone says otherwise; `ConnectionSettings::default` of core. */
import type { ConnectionSettings } from './bindings/ConnectionSettings';

export const DEFAULT_CONNECTION: ConnectionSettings = {
	reconnectionAttempts: 0,
	reconnectionDelayMs: 1_000,
	reconnectionDelayMaxMs: 5_000,
	timeoutMs: 20_000,
	proxy: '',
	caFile: ''
};
