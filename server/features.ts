import { memoryBoardSets, memoryBus, memorySessionStore, Turns, type Bus, type Cooldowns, type ReachFaultPoint, type SessionStore, type Storage } from '../persistence/index.ts';
import type { GuildId, PlayerId } from '../schema/ids.ts';
import { Accounts } from './accounts/index.ts';
import type { Catalog } from './catalog/index.ts';
import type { Config } from './config/index.ts';
import { Inventory, VersionWatch } from './inventory/index.ts';
import { Guilds } from './guilds/index.ts';
import { Leaderboards, type Filled, type RegionSets } from './leaderboards/index.ts';
import { Idempotency, Ledger, ServiceCommands, type LedgerDeps } from './ledger/index.ts';
import { Players } from './players/index.ts';
import { Sessions } from './sessions/index.ts';
import { Erasure, Support } from './support/index.ts';
import type { Metrics } from './telemetry/index.ts';
import { Invitations, type TradeDeps } from './trading/index.ts';
import { Gathering } from './world/index.ts';

const GUILDS_CACHED_MAX = 5_000;
const QUEUE = { batchSizeMax: 200, batchShareMin: 25, roundsMax: 12, workersMax: 4, lengthMax: 20_000 };

/** Of all lanes together: two batches commit while the next one gathers. A shard that hangs keeps a turn from the others for so long. */
const TURNS = { atOnceMax: 3, holdMaxMs: 100 };

export interface FeatureOptions {
  storage: Storage;
  catalog: Catalog;
  metrics: Metrics;
  limits: Pick<Config['limits'], 'inventoryCacheMax' | 'inventoryCacheTtlMs' | 'tradesOpenMax'>;
  reach: ReachFaultPoint;
  queue?: LedgerDeps['queue'];
  bus?: Bus;
  sessionStore?: SessionStore;
  cooldowns?: Cooldowns;
  processId?: () => string;
  isAlive?: (processId: string) => boolean;
  onStoreFault?: (error: unknown) => void;
  /** Of the leaderboards: a region's own, those of the others, and who hears of what happens to them. */
  boards?: {
    sets: ReadonlyMap<string, RegionSets>;
    others: RegionSets;
    onFault: (error: unknown, what: string) => void;
    onFilled: (filled: Filled) => void;
    onSeason: (what: { board: string; season: number; archived?: number }) => void;
  };
}

export type Features = ReturnType<typeof createFeatures>;

/** Puts the features together: each is given what it needs, and nothing is global. */
export function createFeatures({ storage, catalog, metrics, limits, reach, queue = QUEUE, bus = memoryBus(), sessionStore = memorySessionStore(), cooldowns, processId = () => '', isAlive, onStoreFault, boards }: FeatureOptions) {
  const reader = storage.holdings;
  const inventory = new Inventory({
    reader,
    bus,
    cacheMax: limits.inventoryCacheMax,
    cacheTtlMs: limits.inventoryCacheTtlMs,
    onRead: (result) => metrics.cacheReads.count(result),
  });
  const idempotency = new Idempotency(storage.commands);
  const leaderboards = new Leaderboards({ storage, catalog, metrics, reach, ...(boards ?? { sets: new Map(), others: { ...memoryBoardSets(), isUp: () => true }, onFault: () => undefined }) });
  const ledger = new Ledger({ settle: storage.settle, judge: storage.judge, laneOf: storage.laneOf, inventory, bus, metrics, reach, queue: { ...queue, turns: new Turns(TURNS) }, onSettled: (movement, outcome) => leaderboards.note(movement, outcome) });
  const invitations = new Invitations(limits.tradesOpenMax);
  const trading: TradeDeps = { ledger, inventory, catalog, commands: storage.commands, invitations, metrics };
  const versions = new VersionWatch((players) => reader.versions(players as PlayerId[]));
  const guildVersions = new VersionWatch((guilds) => storage.guilds.versions(guilds as GuildId[]));
  const players = new Players({ store: storage.players, reader, idempotency, bus });
  const guilds = new Guilds({ store: storage.guilds, ledger, inventory, idempotency, players, catalog, bus, metrics, cacheMax: GUILDS_CACHED_MAX, cacheTtlMs: limits.inventoryCacheTtlMs });
  const sessions = new Sessions({ players: storage.players, store: sessionStore, bus, processId, epochs: (players) => reader.versions(players), ...(isAlive && { isAlive }), ...(onStoreFault && { onStoreFault }) });
  return {
    accounts: new Accounts(storage.players, () => catalog.regions),
    inventory,
    idempotency,
    versions,
    players,
    guilds,
    leaderboards,
    guildVersions,
    sessions,
    support: new Support({ store: storage.support, commands: storage.commands, ledger, idempotency, players, sessions }),
    erasure: new Erasure({ persons: storage.persons, guildStore: storage.guilds, guilds, idempotency, players, sessions }),
    serviceCommands: new ServiceCommands({ ledger, idempotency, catalog, reader }),
    gathering: new Gathering({ ledger, idempotency, bus, now: Date.now, ...(cooldowns && { cooldowns }) }),
    invitations,
    trading,
    ledger,
    /** After messages were missed, whichever they were: nothing cached is believed, and rooms look whether they are behind. [BU2] */
    async heal(): Promise<void> {
      inventory.forget();
      guilds.heal();
      await Promise.all([versions.compare(), guildVersions.compare()]);
    },
  };
}
