import type { RoomView } from '$lib/backend/bindings/RoomView';

/** Whether a room's routine messages never notify, whatever is chosen for the others. */
export const isQuiet = ({ choices }: Pick<RoomView, 'choices'>) =>
	choices.notify !== 'usual' && choices.notify !== 'all';
