import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueryResultRow } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { closeShards, migrateShards, openShards } from '../../persistence/cluster.ts';
import { startEmbeddedPostgres } from '../../persistence/embedded/index.ts';
import { type Movement, type MovementOutcome } from '../../persistence/movement.ts';
import { SERVICE_ACTOR, type CommandRecord, type ItemPosting, type Posting } from '../../persistence/posting.ts';
import type { Shard } from '../../persistence/shard.ts';
import { shardOfSlot, slotOf } from '../../persistence/slots.ts';
import { openStorage, type Storage, type StorageOptions } from '../../persistence/storage.ts';
import type { Item } from '../../schema/holdings.ts';
import type { CommandId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { temporaryDataFolder } from './data-folder.ts';
import { patient } from './patience.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestCluster {
  dataDir: string;
  urls: string[];
  shards: Shard[];
  storage: Storage;
  /** The shard that a player is on. */
  placeOf(player: string): number;
  /** Raw SQL on one shard, past every rule of the code. */
  sql<Row extends QueryResultRow>(shard: number, text: string, values?: unknown[]): Promise<Row[]>;
  newPlayers(count: number): Promise<PlayerId[]>;
  /** As many as it takes, in one statement per shard, past the service that makes them one by one. */
  manyPlayers(count: number): Promise<PlayerId[]>;
  /** One new player on each of the named shards, in that order. */
  playersOn(...shards: number[]): Promise<PlayerId[]>;
  /** Mints gold, or whatever is named, for a player. */
  mint(player: PlayerId, quantity: number, asset?: string): Promise<void>;
  mintItem(player: PlayerId, options?: { bound?: boolean; attributes?: Record<string, unknown> }): Promise<ItemId>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends Partial<StorageOptions> {
  databases?: number;
  poolMax?: number;
  /** Tests of crashes say `fsync: 'on'`. */
  settings?: Record<string, string | number>;
  /** Made from nothing, so that it is not taken for another one that was made of the same template. */
  unlike?: boolean;
}

const MANY_PLAYERS = `
  with made as (insert into player (id, slot, name, region) select id, slot, 'Tester', 'eu' from unnest($1::uuid[], $2::int[]) as p(id, slot) returning id)
  insert into inventory (holder) select id from made`;

/** Embedded PostgreSQL with migrated shards and a storage over them. Not durable unless asked, because that is quick. */
export async function startCluster({ databases = 4, poolMax = 10, settings = {}, unlike = false, reach = () => undefined, onUnfinished = () => undefined }: ClusterOptions = {}): Promise<TestCluster> {
  const { folder, remove } = unlike ? temporaryFolder() : temporaryDataFolder('postgres');
  const names = Array.from({ length: databases }, (_, index) => `strongroom_${index}`);
  const server = await startEmbeddedPostgres({ dir: folder, databases: names, settings: { fsync: 'off', ...settings } });
  const shards = await openShards(server.urls, poolMax);
  await migrateShards(shards);
  const storage = await openStorage(shards, { reach, onUnfinished });
  const placeOf = (player: string) => shardOfSlot(slotOf(player), databases);
  const newPlayers = (count: number) => Promise.all(Array.from({ length: count }, () => storage.players.create({ name: 'Tester', region: 'eu' })));
  return {
    dataDir: folder, urls: server.urls, shards, storage, placeOf, newPlayers,
    async manyPlayers(count) {
      const players = Array.from({ length: count }, () => uuidv7() as PlayerId);
      await Promise.all(
        shards.map(async ({ index, pool }) => {
          const here = players.filter((player) => placeOf(player) === index);
          await pool.query(MANY_PLAYERS, [here, here.map(slotOf)]);
        }),
      );
      return players;
    },
    sql: async (shard, text, values = []) => (await shards[shard]!.pool.query(text, values)).rows,
    async playersOn(...wanted) {
      const found: PlayerId[] = [];
      for (const shard of wanted) {
        let player: PlayerId | undefined;
        while (player === undefined) player = (await newPlayers(databases)).find((id) => placeOf(id) === shard);
        found.push(player);
      }
      return found;
    },
    async mint(player, quantity, asset = 'gold') {
      committed(await settleOne(storage, movement([{ asset, quantity, giver: null, receiver: player }])));
    },
    async mintItem(player, { bound = false, attributes = {} } = {}) {
      const item = randomUUID() as ItemId;
      committed(await settleOne(storage, movement([{ item, kind: 'sword', attributes, bound, receiver: player }])));
      return item;
    },
    async stop() {
      await closeShards(shards);
      await server.stop();
      remove();
    },
  };
}

export const newCommandId = () => randomUUID() as CommandId;

/** A command of the service, with a fresh id unless given. */
export function command(options: Partial<CommandRecord> = {}): CommandRecord {
  return { actor: SERVICE_ACTOR, id: newCommandId(), hash: Buffer.from('asked'), answer: () => 'done', ...options };
}

export function movement(postings: Posting[], options: Partial<Movement> = {}): Movement {
  return { reason: 'test', postings, commands: [command()], ...options };
}

/** An item as it was decided on; what `mintItem` makes, unless more of it is said. */
export function itemPosting({ id, version = 1, kind = 'sword', attributes = {}, bound = false }: Partial<Item> & Pick<Item, 'id'>, giver: HolderId, receiver: HolderId | null): ItemPosting {
  return { item: id, version, content: { kind, attributes, bound }, giver, receiver };
}

export async function settleOne(storage: Pick<Storage, 'settle'>, asked: Movement): Promise<MovementOutcome> {
  const [outcome] = await storage.settle([asked]);
  if (outcome === undefined) throw new Error('a movement has an outcome');
  return outcome;
}

/** The outcome, which must be a commit. */
export function committed(outcome: MovementOutcome | undefined): Extract<MovementOutcome, { status: 'committed' }> {
  if (outcome?.status !== 'committed') throw new Error(`not committed: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The code of a refusal, or the status of any other outcome. */
export function verdictOf(outcome: MovementOutcome | undefined): string {
  return outcome?.status === 'refused' ? outcome.code : (outcome?.status ?? 'none');
}

/** The audit's names of what does not hold, with what it says. */
export async function redInvariants(storage: Pick<Storage, 'audit'>): Promise<string[]> {
  const { invariants } = await storage.audit();
  return invariants.filter(({ ok }) => !ok).map(({ name, violations }) => `${name}: ${violations.join('; ')}`);
}

/** Waits until a query answers at least one row. */
export async function untilRows(ask: () => Promise<unknown[]>, maxMs = 5000): Promise<void> {
  for (let waitedMs = 0; (await ask()).length === 0; waitedMs += 5, await delay(5)) {
    if (waitedMs > patient(maxMs)) throw new Error(`no row within ${maxMs} ms: ${String(ask)}`);
  }
}
