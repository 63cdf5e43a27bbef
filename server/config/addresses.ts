import { ConfigError } from './config-error.ts';

const POSTGRES = new Set(['postgres:', 'postgresql:']);
const REDIS = new Set(['redis:', 'rediss:']);
const SLOTS = 1_024;

/** The databases that hold the shards, in the order given. Messages count the entries: a URL carries a password. */
export function parseShardUrls(text: string): string[] {
  const urls = text.split(',').map((url) => url.trim());
  if (urls.length > SLOTS) throw new ConfigError(`SHARD_URLS has ${urls.length} entries, but there are ${SLOTS} slots: use fewer databases.`);
  const seen = new Map<string, number>();
  urls.forEach((text, index) => {
    const place = `entry ${index + 1} of SHARD_URLS`;
    const url = parseUrl(text);
    if (!url || !POSTGRES.has(url.protocol)) throw new ConfigError(`SHARD_URLS needs PostgreSQL URLs, and ${place} is not one: write postgres://user:password@host:5432/database.`);
    if (url.pathname.length < 2) throw new ConfigError(`SHARD_URLS must name databases, and ${place} does not: add /database to its end.`);
    const database = `${url.searchParams.get('host') ?? url.hostname.toLowerCase()}:${url.port || '5432'}${url.pathname}`;
    if (seen.has(database)) throw new ConfigError(`SHARD_URLS names the same database twice (entries ${seen.get(database)} and ${index + 1}): give every shard its own.`);
    seen.set(database, index + 1);
  });
  return urls;
}

export function parseRedisUrl(text: string, setting = 'REDIS_URL'): string {
  const url = parseUrl(text.trim());
  if (!url || !REDIS.has(url.protocol)) throw new ConfigError(`${setting} is not a Redis URL: write redis://host:6379.`);
  return text.trim();
}

/** `region=redis://…,region=redis://…`: which Redis serves a region's leaderboards. */
export function parseLeaderboardUrls(text: string): Record<string, string> {
  const urls = new Map<string, string>();
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, region, url] = /^([\w-]+)=(.+)$/.exec(entry) ?? [];
    if (!region || !url) throw new ConfigError('LEADERBOARD_URLS has an entry that names no region: write region=redis://host:6379,region=redis://host:6379.');
    if (region === 'global') throw new ConfigError('LEADERBOARD_URLS has a region named "global", which means all regions together: name it differently.');
    if (urls.has(region)) throw new ConfigError(`LEADERBOARD_URLS names the region "${region}" twice: keep one of the entries.`);
    urls.set(region, parseRedisUrl(url, `LEADERBOARD_URLS, region "${region}",`));
  }
  return Object.fromEntries(urls);
}

/** `host`, `host:port` or `host/path`, to which Colyseus's clients add the scheme; `{port}` is the process's own. */
export function parsePublicAddress(text: string, port: number): string {
  const address = text.replaceAll('{port}', String(port));
  if (/:\/\/|\s/.test(address) || !parseUrl(`http://${address}`)) {
    throw new ConfigError('PUBLIC_ADDRESS must be a host with a port or a path, and no scheme: write game.example.com/2567, or game.example.com/{port} for every process.');
  }
  return address;
}

/** Where a process of several is reached that was not told: the address that it listens on. */
export function listeningAddress(host: string, port: number): string {
  if (['0.0.0.0', '::', ''].includes(host)) {
    throw new ConfigError(`PUBLIC_ADDRESS is not set, and HOST ${host} is no address that a client can be sent to: set PUBLIC_ADDRESS, as with several processes each client is sent to the one that has its room.`);
  }
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
