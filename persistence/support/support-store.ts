import type { CommandId, HolderId, ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';
import type { FoundPlayer, LedgerPosting, Obstacle, Pause, PlayerDeed, SupportEntry } from '../../schema/messages/ops.ts';
import { Refusal } from '../../schema/refusals.ts';
import { OPERATOR_ACTOR, type CommandRecord, type ItemContent } from '../posting.ts';
import type { RoutedRead } from '../routed-read.ts';
import type { Transact, TransactEverywhere } from '../routed-transact.ts';
import { LOCK } from '../settle-statements.ts';
import type { HolderRow } from '../settle-outcomes.ts';
import type { Shard } from '../shard.ts';
import type { SlotMap } from '../slot-map.ts';
import type { ShardTransaction } from '../shard-transaction.ts';
import type { Transaction } from '../transaction.ts';
import { FIND_PLAYERS, FREEZE, OBSTACLES, PAUSE, PAUSES, PRESENT_ITEMS, READ_DEEDS, READ_ENTRIES, READ_POSTINGS, READ_STANDING, REMEMBER, RESUME } from './support-statements.ts';

/** What support sees of a player beside its holdings. */
export interface Standing {
  frozen: boolean;
  hasLogin: boolean;
  createdAt: number;
  erased: boolean;
}

/** A transaction as the ledger has it, and what of it is not as it left it. */
export interface TradeRecord {
  transactionId: TransactionId;
  reason: string;
  at: number;
  postings: LedgerPosting[];
  obstacles: Obstacle[];
  /** What its items are now; who was burned is absent. */
  items: ReadonlyMap<ItemId, ItemContent>;
}

/** What support may do, each with its entry in the same transaction: an entry is the operators' command. [OP1] */
export interface SupportStore {
  /** @throws {Refusal} UNKNOWN_PLAYER */
  freeze(playerId: PlayerId, frozen: boolean, command: CommandRecord): Promise<void>;
  /** On every shard or on none: behind its locks, each writer asks the shards that it writes on. [OP3] */
  setPause(asset: string, paused: boolean, reason: string, command: CommandRecord): Promise<void>;
  pauses(): Promise<Pause[]>;
  /** At most `limit`, the newest first. */
  entries(before: number | undefined, limit: number): Promise<SupportEntry[]>;
  entry(id: CommandId): Promise<SupportEntry | undefined>;
  /** By a name's beginning, whatever its case, or by the whole id; at most `limit`. */
  find(text: string, limit: number): Promise<FoundPlayer[]>;
  standing(playerId: PlayerId): Promise<Standing | undefined>;
  /** The newest movements of value that the player asked for. */
  deeds(playerId: PlayerId, limit: number): Promise<PlayerDeed[]>;
  /** undefined if there is no such transaction. */
  trade(transactionId: TransactionId): Promise<TradeRecord | undefined>;
}

export interface SupportStoreDeps {
  shards: readonly Shard[];
  map: SlotMap;
  transact: Transact;
  everywhere: TransactEverywhere;
  read: RoutedRead;
}

interface PostingRow extends LedgerPosting {
  reason: string;
  at: number;
}

interface PresentItem extends ItemContent {
  id: ItemId;
  holder: HolderId;
  version: number;
}

export function supportStore({ shards, map, transact, everywhere, read }: SupportStoreDeps): SupportStore {
  const onEach = async <Row>(text: string, values: readonly unknown[]): Promise<Row[]> =>
    (await Promise.all(shards.map(async ({ pool }) => (await pool.query({ text, values: [...values] })).rows as Row[]))).flat();

  return {
    async freeze(playerId, frozen, command) {
      await transact([playerId, command.id], 'support', async (transaction) => {
        await transaction.takeSlots([command.id]);
        const part = transaction.on(transaction.shardOf(playerId));
        const [[row]] = await Promise.all([part.query<HolderRow>(LOCK, [`{${playerId}}`]), transaction.confirm(part)]);
        if (row === undefined || row.epoch < 0) throw new Refusal('UNKNOWN_PLAYER', { playerId });
        await part.query(FREEZE, [playerId, frozen]);
        await remember(transaction, command);
      });
    },

    async setPause(asset, paused, reason, command) {
      await everywhere('support', async (transaction) => {
        await transaction.takeSlots([command.id]);
        for (const part of transaction.parts) await Promise.all([writePause(part, asset, paused, reason), transaction.confirm(part)]);
        await remember(transaction, command);
      });
    },

    async pauses() {
      const byAsset = new Map((await onEach<Pause>(PAUSES, [])).map((pause) => [pause.asset, pause]));
      return [...byAsset.values()].toSorted((a, b) => (a.asset < b.asset ? -1 : 1));
    },

    async entries(before, limit) {
      const found = await onEach<SupportEntry>(READ_ENTRIES, [before ?? null, limit]);
      return found.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).slice(0, limit);
    },

    async entry(id) {
      const found = await read([id], async ({ pool }) => {
        const { rows } = await pool.query<{ at: number; answer: Omit<SupportEntry, 'at'> }>(
          'select floor(extract(epoch from at) * 1000)::float8 as at, answer from command where actor = $1 and id = $2', [OPERATOR_ACTOR, id]);
        return rows.map(({ at, answer }): [CommandId, SupportEntry] => [id, { ...answer, at }]);
      });
      return found.get(id);
    },

    async find(text, limit) {
      const found = await onEach<FoundPlayer>(FIND_PLAYERS, [`${escapeLike(text.toLowerCase())}%`, isUuid(text) ? text.toLowerCase() : null, limit]);
      return found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1)).slice(0, limit);
    },

    async standing(playerId) {
      return (await read([playerId], async ({ pool }) => {
        const { rows } = await pool.query<Standing & { id: PlayerId }>(READ_STANDING, [playerId]);
        return rows.map(({ id, ...standing }): [PlayerId, Standing] => [id, standing]);
      })).get(playerId);
    },

    async deeds(playerId, limit) {
      return (await read([playerId], async ({ pool }): Promise<[PlayerId, PlayerDeed[]][]> => [[playerId, (await pool.query<PlayerDeed>(READ_DEEDS, [playerId, limit])).rows]])).get(playerId) ?? [];
    },

    async trade(transactionId) {
      await map.keepUp();
      // A posting between two shards stands on both.
      const rows = new Map((await onEach<PostingRow>(READ_POSTINGS, [transactionId])).map((row) => [row.seq, row]));
      const sorted = [...rows.values()].toSorted((a, b) => a.seq - b.seq);
      const [first] = sorted;
      if (first === undefined) return undefined;
      const obstacles = await Promise.all(shards.map(async ({ pool }) => (await pool.query<{ obstacle: Obstacle }>(OBSTACLES, [transactionId])).rows.map(({ obstacle }) => obstacle)));
      const present = new Map((await onEach<PresentItem>(PRESENT_ITEMS, [sorted.flatMap(({ item }) => item ?? [])])).map((item) => [item.id, item]));
      return {
        transactionId,
        reason: first.reason,
        at: first.at,
        items: present,
        postings: sorted.map(({ reason: _reason, at: _at, ...posting }) => ({ ...posting, kind: posting.item === null ? null : (present.get(posting.item)?.kind ?? null) })),
        // Where an item went to, only the shard that has it knows.
        obstacles: obstacles.flat().map((obstacle) => (obstacle.code === 'NOT_OWNER' ? { ...obstacle, ...whereabouts(present.get(obstacle.item)) } : obstacle)),
      };
    },
  };
}

function whereabouts(item: PresentItem | undefined): Pick<Extract<Obstacle, { code: 'NOT_OWNER' }>, 'kind' | 'holder' | 'version'> {
  return { kind: item?.kind ?? null, holder: item?.holder ?? null, version: item?.version ?? null };
}

async function writePause(part: ShardTransaction, asset: string, paused: boolean, reason: string): Promise<void> {
  if (paused) await part.query(PAUSE, [asset, reason]);
  else await part.query(RESUME, [asset]);
}

/** The entry, where the command lives. */
async function remember(transaction: Transaction, { actor, id, hash, answer }: CommandRecord): Promise<void> {
  await transaction.on(transaction.shardOf(id)).query(REMEMBER, [actor, id, hash, JSON.stringify(answer(new Map()))]);
}

const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`);
const isUuid = (text: string): boolean => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);

/** Whoever is at an end of a posting. */
export function holdersIn(postings: readonly Pick<LedgerPosting, 'giver' | 'receiver'>[]): HolderId[] {
  return [...new Set(postings.flatMap(({ giver, receiver }) => [giver ?? [], receiver ?? []].flat()))];
}
