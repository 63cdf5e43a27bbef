import { defineEntity, p } from '@mikro-orm/postgresql';

/** One posting, append-only; it stands on the giver's shard and on the receiver's. Null giver: mint; null receiver: burn. */
export const LedgerEntry = defineEntity({
  name: 'LedgerEntry',
  tableName: 'ledger',
  properties: {
    transactionId: p.uuid().primary(),
    seq: p.smallint().primary(),
    reason: p.string().length(32),
    at: p.datetime().defaultRaw('now()'),
    asset: p.string().length(32).nullable(),
    item: p.uuid().nullable(),
    /** The item's version after this posting: 1 for a mint, and dense. */
    itemVersion: p.integer().nullable(),
    quantity: p.bigint('number'),
    giver: p.uuid().nullable(),
    receiver: p.uuid().nullable(),
  },
});

/** What a command did and answered, so that the same id never acts twice. */
export const Command = defineEntity({
  name: 'Command',
  tableName: 'command',
  properties: {
    actor: p.uuid().primary(),
    id: p.uuid().primary(),
    /** SHA-256 of what was asked, to refuse the same id with another payload. */
    hash: p.blob(),
    answer: p.json<unknown>(),
    transactionId: p.uuid().nullable(),
    at: p.datetime().defaultRaw('now()'),
  },
});

/** The commit point of a two-phase commit, on its home shard; an abort takes the same key. */
export const Decision = defineEntity({
  name: 'Decision',
  tableName: 'decision',
  properties: {
    transactionId: p.uuid().primary(),
    outcome: p.string().$type<'commit' | 'abort'>().length(6),
    at: p.datetime().defaultRaw('now()'),
  },
});
