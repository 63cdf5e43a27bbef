import { z } from 'zod';
import { FAULT_SPEC } from '../../persistence/index.ts';
import { ConfigError } from './config-error.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const milliseconds = (min: number) => count(min, 2 ** 31 - 1); // what a timer can hold

/** Every setting with its range and its default: each alone, as text. What they mean together is decided later. */
export const FlatEnvironment = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  NODE_APP_INSTANCE: count(0, 1_023).default(0),
  PROCESSES: count(1, 1_024).default(1),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(2567),
  PUBLIC_ADDRESS: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATA_DIR: z.string().default('.strongroom'),
  CATALOG_PATH: z.string().default('catalog.yaml'),
  SHARD_URLS: z.string().optional(),
  REDIS_URL: z.string().optional(),
  LEADERBOARD_URLS: z.string().optional(),
  JWT_SECRET: z.string().optional(),
  SERVICE_KEY: z.string().optional(),
  ADMIN_PASSWORD: z.string().optional(),
  AUTH_RATE_MAX: count(1, 1_000_000).default(2_000),
  LOGIN_FAILURES_MAX: count(1, 1_000_000).default(10),
  MESSAGES_PER_SECOND_MAX: count(1, 100_000).default(200),
  PATCH_INTERVAL_MS: count(20, 1_000).default(50),
  TRADE_TTL_MS: milliseconds(1_000).default(300_000),
  TRADES_OPEN_MAX: count(1, 1_000_000).default(64),
  RECONNECTION_WINDOW_S: count(0, 3_600).default(20),
  INVENTORY_CACHE_MAX: count(1, 10_000_000).default(10_000),
  INVENTORY_CACHE_TTL_MS: milliseconds(1).default(60_000),
  VERSION_CHECK_INTERVAL_MS: milliseconds(50).default(5_000),
  RESOLVER_INTERVAL_MS: milliseconds(50).default(1_000),
  AUDIT_INTERVAL_MS: milliseconds(0).default(3_600_000),
  SHARD_POOL_MAX: count(1, 1_000).default(10),
  FAULT_POINT: z.string().regex(FAULT_SPEC).optional(),
});
export type FlatEnvironment = z.output<typeof FlatEnvironment>;

/** Takes our settings out of an environment. An empty setting is an absent one, as in `REDIS_URL=`. */
export function parseEnvironment(env: NodeJS.ProcessEnv): FlatEnvironment {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const parsed = FlatEnvironment.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const name = String(issue.path[0]);
  throw new ConfigError(`${name} ${demand(issue)}, not "${given[name]}": correct it, or leave it out for the default.`);
}

function demand(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value': return `must be one of ${issue.values.join(', ')}`;
    case 'too_small': return `must be at least ${issue.minimum}`;
    case 'too_big': return `must be at most ${issue.maximum}`;
    case 'invalid_format': return 'must name what for and a step of docs/SPEC.md CR1, as trade:prepared or trade:prepared:pause';
    default: return 'must be a whole number';
  }
}
