import type { RoomNotify } from '$lib/backend/bindings/RoomNotify';
import type { RoomView } from '$lib/backend/bindings/RoomView';

/** What of a room may notify, in the order it is offered. */
export const NOTIFY: RoomNotify[] = ['usual', 'all', 'mentions', 'urgent', 'none'];

/** Whether a room's routine messages never notify, whatever is chosen for the others. */
export const isQuiet = ({ choices }: Pick<RoomView, 'choices'>) =>
	choices.notify !== 'usual' && choices.notify !== 'all';
