import type { Posting } from '../posting.ts';

/** Stands among the paused for whatever there is. */
const EVERYTHING = '*';

export function isPaused(asset: string, paused: ReadonlySet<string>): boolean {
  return paused.has(EVERYTHING) || paused.has(asset);
}

/** The first asset or kind that would go from one holder to another although it is paused: what is minted or burned is no trade. Pure. [OP3] */
export function pausedIn(postings: readonly Posting[], paused: ReadonlySet<string>): string | undefined {
  if (paused.size === 0) return undefined;
  for (const posting of postings) {
    if (!('giver' in posting) || posting.giver === null || posting.receiver === null) continue;
    const asset = 'asset' in posting ? posting.asset : posting.content.kind;
    if (isPaused(asset, paused)) return asset;
  }
  return undefined;
}
