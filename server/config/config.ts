import path from 'node:path';
import { listeningAddress, parseLeaderboardUrls, parsePublicAddress, parseRedisUrl, parseShardUrls } from './addresses.ts';
import { ConfigError } from './config-error.ts';
import type { FlatEnvironment } from './flat-environment.ts';
import { demandSecrets, keepSecrets, type Secrets } from './secrets.ts';

/** What the server was told, checked as a whole and frozen. Paths are absolute; absent addresses are undefined. */
export type Config = {
  readonly env: 'development' | 'test' | 'production';
  /** This process's number, from 0; how many there are in all. */
  readonly instance: number;
  readonly processes: number;
  readonly host: string;
  /** Where this process listens: PORT and its number. */
  readonly port: number;
  readonly publicAddress: string | undefined;
  readonly logLevel: FlatEnvironment['LOG_LEVEL'];
  readonly dataDir: string;
  readonly catalogPath: string;
  /** One database per shard; undefined means embedded PostgreSQL. */
  readonly shardUrls: readonly string[] | undefined;
  /** Undefined means one process, in memory. */
  readonly redisUrl: string | undefined;
  /** By region; a region that is not in it is served by `redisUrl`. */
  readonly leaderboardUrls: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Secrets>;
  readonly limits: Readonly<{
    /** Requests to /auth per minute and address. */
    authRateMax: number;
    /** Failed logins per minute, address and e-mail. */
    loginFailuresMax: number;
    /** Per client and room. */
    messagesPerSecondMax: number;
    tradeTtlMs: number;
    /** Open trades that one player invited to. */
    tradesOpenMax: number;
    reconnectionWindowS: number;
    inventoryCacheMax: number;
    inventoryCacheTtlMs: number;
    versionCheckIntervalMs: number;
    resolverIntervalMs: number;
    /** 0: no audit runs by itself. */
    auditIntervalMs: number;
    /** Connections per shard and process. */
    shardPoolMax: number;
  }>;
  /** How often a room in which people walk sends its clients what changed. */
  readonly patchIntervalMs: number;
  /** Where this process kills or stops itself, for tests. */
  readonly faultPoint: string | undefined;
};

/** Turns single settings into one configuration, and refuses settings that contradict each other. */
export function assemble(flat: FlatEnvironment): Config {
  const port = flat.PORT + flat.NODE_APP_INSTANCE;
  if (port > 65_535) throw new ConfigError(`PORT ${flat.PORT} is too high for process ${flat.NODE_APP_INSTANCE}, which listens on PORT + ${flat.NODE_APP_INSTANCE}: choose a lower PORT.`);
  const several = flat.PROCESSES > 1 ? 'PROCESSES is above 1' : flat.NODE_APP_INSTANCE > 0 ? 'NODE_APP_INSTANCE is above 0' : undefined;
  if (several && !flat.REDIS_URL) throw new ConfigError(`REDIS_URL is not set, but ${several}, and processes meet in Redis: set REDIS_URL, or run one process.`);
  if (several && !flat.SHARD_URLS && flat.NODE_ENV === 'production') throw new ConfigError(`SHARD_URLS is not set, but ${several}, and the embedded PostgreSQL ends with the process that runs it: set SHARD_URLS, or run one process.`);
  if (flat.FAULT_POINT && flat.NODE_ENV === 'production') throw new ConfigError('FAULT_POINT kills or stops the server on purpose, and NODE_ENV is production: leave it out.');
  const addresses = {
    publicAddress: flat.PUBLIC_ADDRESS ? parsePublicAddress(flat.PUBLIC_ADDRESS, port) : flat.REDIS_URL ? listeningAddress(flat.HOST, port) : undefined,
    shardUrls: flat.SHARD_URLS ? Object.freeze(parseShardUrls(flat.SHARD_URLS)) : undefined,
    redisUrl: flat.REDIS_URL && parseRedisUrl(flat.REDIS_URL),
    leaderboardUrls: Object.freeze(flat.LEADERBOARD_URLS ? parseLeaderboardUrls(flat.LEADERBOARD_URLS) : {}),
  };
  const dataDir = path.resolve(flat.DATA_DIR);
  return Object.freeze({
    env: flat.NODE_ENV,
    instance: flat.NODE_APP_INSTANCE,
    processes: flat.PROCESSES,
    host: flat.HOST,
    port,
    logLevel: flat.LOG_LEVEL,
    dataDir,
    catalogPath: path.resolve(flat.CATALOG_PATH),
    ...addresses,
    secrets: Object.freeze(flat.NODE_ENV === 'production' ? demandSecrets(flat) : keepSecrets(flat, dataDir)),
    limits: limitsOf(flat),
    patchIntervalMs: flat.PATCH_INTERVAL_MS,
    faultPoint: flat.FAULT_POINT,
  });
}

function limitsOf(flat: FlatEnvironment): Config['limits'] {
  return Object.freeze({
    authRateMax: flat.AUTH_RATE_MAX,
    loginFailuresMax: flat.LOGIN_FAILURES_MAX,
    messagesPerSecondMax: flat.MESSAGES_PER_SECOND_MAX,
    tradeTtlMs: flat.TRADE_TTL_MS,
    tradesOpenMax: flat.TRADES_OPEN_MAX,
    reconnectionWindowS: flat.RECONNECTION_WINDOW_S,
    inventoryCacheMax: flat.INVENTORY_CACHE_MAX,
    inventoryCacheTtlMs: flat.INVENTORY_CACHE_TTL_MS,
    versionCheckIntervalMs: flat.VERSION_CHECK_INTERVAL_MS,
    resolverIntervalMs: flat.RESOLVER_INTERVAL_MS,
    auditIntervalMs: flat.AUDIT_INTERVAL_MS,
    shardPoolMax: flat.SHARD_POOL_MAX,
  });
}
