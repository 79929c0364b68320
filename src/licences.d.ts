/** Made by scripts/licences.ts: each text once, and of each package the numbers of its texts. */
declare module 'virtual:licences' {
	const licences: {
		packages: { name: string; version: string; licence: string; texts: number[] }[];
		texts: string[];
	};
	export default licences;
}
