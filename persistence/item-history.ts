import type { HolderId, ItemId, TransactionId } from '../schema/ids.ts';
import type { Shard } from './shard.ts';

export interface HistoryEntry {
  transactionId: TransactionId;
  reason: string;
  at: number;
  giver: HolderId | null;
  receiver: HolderId | null;
}

export interface ItemHistory {
  itemId: ItemId;
  holder: HolderId | null;
  entries: HistoryEntry[];
}

/** The item's chain of postings from its mint on, gathered from every shard that it passed; undefined if it never was. */
export async function readItemHistory(shards: readonly Shard[], itemId: ItemId): Promise<ItemHistory | undefined> {
  const found = await Promise.all(
    shards.map(async (shard) => {
      const { rows } = await shard.pool.query<HistoryEntry & { version: number }>({
        name: 'item-history',
        text: `select transaction_id as "transactionId", reason, (extract(epoch from at) * 1000)::float8 as at, giver, receiver, item_version as version
          from ledger where item = $1`,
        values: [itemId],
      });
      return rows;
    }),
  );
  // A posting between two shards stands on both; the version is its place in the chain.
  const chain = new Map(found.flat().map(({ version, ...entry }) => [version, { ...entry, at: Math.round(entry.at) }]));
  if (chain.size === 0) return undefined;
  const entries = [...chain].toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
  return { itemId, holder: entries.at(-1)?.receiver ?? null, entries };
}
