import type { TransactionId } from '../schema/ids.ts';

/** The name of a prepared transaction: whose it is, where it is decided, and which part this is. [TP2] */
export interface Gid {
  home: number;
  transactionId: TransactionId;
  shard: number;
}

const PATTERN = /^strongroom:(\d+):([0-9a-f-]{36}):(\d+)$/;

/** Gids are unique per server, not per database, so the part's own shard is in it. */
export function formatGid({ home, transactionId, shard }: Gid): string {
  return `strongroom:${home}:${transactionId}:${shard}`;
}

export function parseGid(text: string): Gid | undefined {
  const [, home, transactionId, shard] = PATTERN.exec(text) ?? [];
  if (home === undefined || transactionId === undefined || shard === undefined) return undefined;
  return { home: Number(home), transactionId: transactionId as TransactionId, shard: Number(shard) };
}
