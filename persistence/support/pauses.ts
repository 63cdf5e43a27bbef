import type { Posting } from '../posting.ts';

/** Stands among the paused for whatever there is. */
const EVERYTHING = '*';

/** What keeps an asset or kind, as a pause names it: everything, or itself. */
export function pauseOf(asset: string, paused: ReadonlySet<string>): string | undefined {
  return [EVERYTHING, asset].find((one) => paused.has(one));
}

/** What keeps the first asset or kind that would go from one holder to another although it is paused: what is minted or burned is no trade. Pure. [OP3] */
export function pausedIn(postings: readonly Posting[], paused: ReadonlySet<string>): string | undefined {
  if (paused.size === 0) return undefined;
  for (const posting of postings) {
    if (!('giver' in posting) || posting.giver === null || posting.receiver === null) continue;
    const kept = pauseOf('asset' in posting ? posting.asset : posting.content.kind, paused);
    if (kept !== undefined) return kept;
  }
  return undefined;
}
