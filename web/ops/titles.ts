import type { OpsState } from '../../schema/messages/ops.ts';

type Asset = OpsState['assets'][number];

let known: readonly Asset[] = [];
let settle: () => void;

/** Settled once the titles are there, or do not come for now: names then stand for them. */
export const titlesSettled = new Promise<void>((resolve) => (settle = resolve));

/** The catalogue's titles, as the last state had them; without one, those from before stay. */
export function learnTitles(assets: readonly Asset[] = known): void {
  known = assets;
  settle();
}

/** What is not in the catalogue any more keeps its name. */
export function titleOf(asset: string): string {
  return known.find(({ name }) => name === asset)?.title ?? asset;
}

/** What can be paused, the counted things first. */
export function assetsByTitle(): Asset[] {
  return known.toSorted((a, b) => (a.type === b.type ? a.title.localeCompare(b.title, 'en') : a.type === 'fungible' ? -1 : 1));
}

/** `*` is everything. */
export function scopeTitle(asset: string): string {
  return asset === '*' ? 'everything' : titleOf(asset);
}
