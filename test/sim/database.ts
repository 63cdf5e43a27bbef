import { migrateShards, openShards, openStorage, type Storage } from '../../persistence/index.ts';
import { pick, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { MortalHost } from '../kit/mortal-host.ts';

const POOL_MAX = 2;
/** Dead processes' backends linger for a moment. A log that is short is replayed within what a request waits. */
const SETTINGS = { max_connections: 300, max_wal_size: '512MB', log_min_messages: 'error' };
const BUSY = `and state <> 'idle'`;

export type Shards = Awaited<ReturnType<typeof openShards>>;

/** Migrated shards on one PostgreSQL or on several, each of which can be stopped like by a power cut. */
export class SimDatabase {
  readonly shards: Shards;
  readonly storage: Storage;
  /** Of the shards that there were at the start. */
  readonly urls: readonly string[];
  /** Databases that may become shards, and how many shards there are by now. */
  readonly spareUrls: readonly string[];
  shardCount: number;
  readonly hosts: readonly MortalHost[];

  private constructor(hosts: readonly MortalHost[], urls: readonly string[], spareUrls: readonly string[], shards: Shards, storage: Storage) {
    this.hosts = hosts;
    this.urls = urls;
    this.spareUrls = spareUrls;
    this.shardCount = urls.length;
    this.shards = shards;
    this.storage = storage;
  }

  /** @param servers among which the shards, and the databases to spare, are dealt out */
  static async open(shardCount: number, servers = 1, spare = 0): Promise<SimDatabase> {
    const names = Array.from({ length: shardCount + spare }, (_, shard) => `sim_${shard}`);
    const hosts = await Promise.all(Array.from({ length: servers }, (_, at) => MortalHost.start(names.filter((_, shard) => shard % servers === at), SETTINGS)));
    const all = names.map((_, shard) => hosts[shard % servers]?.urls[Math.floor(shard / servers)] ?? '');
    const urls = all.slice(0, shardCount);
    const shards = await openShards(urls, POOL_MAX);
    await migrateShards(shards);
    return new SimDatabase(hosts, urls, all.slice(shardCount), shards, await openStorage(shards, { reach: () => undefined, onUnfinished: () => undefined }));
  }

  /** Takes up the shards that were added: a look at all of them reads the map. */
  async joinAdded(): Promise<void> {
    while (this.shards.length < this.shardCount) await this.storage.resolveInDoubt();
  }

  /** Ends random connections of whatever process. @returns how many */
  async terminate(backends: number, busyOnly: boolean, random: Random): Promise<number> {
    const host = pick(random, this.hosts);
    const rows = await host.query<{ pid: number }>(`select pid from pg_stat_activity where datname like 'sim_%' and backend_type = 'client backend' ${busyOnly ? BUSY : ''} order by pid`);
    const chosen = rows.length === 0 ? [] : Array.from({ length: backends }, () => pick(random, rows).pid);
    const ended = await host.query<{ ended: boolean }>('select pg_terminate_backend(pid) as ended from unnest($1::int[]) as pid', [[...new Set(chosen)]]);
    return ended.filter((row) => row.ended).length;
  }

  /** One of the servers, like by a power cut; `meanwhile` runs while it is away. */
  async crash(random: Random, meanwhile: () => void): Promise<void> {
    const host = pick(random, this.hosts);
    await host.crash();
    meanwhile();
    await host.revive();
  }

  /** Everything that is prepared on the servers, whoever prepared it. */
  async prepared(): Promise<string[]> {
    return (await Promise.all(this.hosts.map((host) => host.prepared()))).flat();
  }

  async close(): Promise<void> {
    await this.storage.close();
    await Promise.all(this.hosts.map((host) => host.stop()));
  }
}
