import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, loadConfig } from '../../server/config/index.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const SECRETS = { JWT_SECRET: 'j'.repeat(16), SERVICE_KEY: 's'.repeat(16), ADMIN_PASSWORD: 'a'.repeat(16) };
/** What several processes need. */
const MANY = { REDIS_URL: 'redis://localhost', SHARD_URLS: 'postgres://localhost/shard0' };
const PRODUCTION = { NODE_ENV: 'production', ...SECRETS };

function refusal(env: Record<string, string>): string {
  try {
    loadConfig({ ...SECRETS, ...env });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail(`accepted ${JSON.stringify(env)}`);
}

describe('configuration', () => {
  let folder: string;
  let remove: () => void;
  beforeEach(() => ({ folder, remove } = temporaryFolder()));
  afterEach(() => remove());

  const broken: [Record<string, string>, RegExp][] = [
    [{ PORT: 'http' }, /^PORT must be a whole number, not "http"/],
    [{ PORT: '1.5' }, /^PORT must be a whole number/],
    [{ PORT: '0' }, /^PORT must be at least 1,/],
    [{ PORT: '65536' }, /^PORT must be at most 65535,/],
    [{ NODE_ENV: 'staging' }, /^NODE_ENV must be one of development, test, production, not "staging"/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of fatal, /],
    [{ NODE_APP_INSTANCE: '-1' }, /^NODE_APP_INSTANCE must be at least 0/],
    [{ TRADE_TTL_MS: '5' }, /^TRADE_TTL_MS must be at least 1000/],
    [{ PATCH_INTERVAL_MS: '19' }, /^PATCH_INTERVAL_MS must be at least 20/],
    [{ PATCH_INTERVAL_MS: '1001' }, /^PATCH_INTERVAL_MS must be at most 1000/],
    [{ TRADES_OPEN_MAX: '0' }, /^TRADES_OPEN_MAX must be at least 1/],
    [{ INVENTORY_CACHE_MAX: '0' }, /^INVENTORY_CACHE_MAX must be at least 1/],
    [{ SHARD_POOL_MAX: '1e9' }, /^SHARD_POOL_MAX must be at most 1000/],
    [{ REDIS_URL: 'localhost:6379' }, /^REDIS_URL is not a Redis URL: write redis:/],
    [{ LEADERBOARD_URLS: 'redis://a' }, /^LEADERBOARD_URLS has an entry that names no region/],
    [{ LEADERBOARD_URLS: 'eu=http://a' }, /^LEADERBOARD_URLS, region "eu", is not a Redis URL/],
    [{ LEADERBOARD_URLS: 'eu=redis://a,eu=redis://b' }, /^LEADERBOARD_URLS names the region "eu" twice/],
    [{ LEADERBOARD_URLS: 'global=redis://a' }, /^LEADERBOARD_URLS has a region named "global"/],
    [{ PUBLIC_ADDRESS: 'https://game.example.com' }, /^PUBLIC_ADDRESS must be a host/],
    [{ REDIS_URL: 'redis://a', HOST: '0.0.0.0' }, /^PUBLIC_ADDRESS is not set, and HOST 0\.0\.0\.0 is no address that a client can be sent to/],
    [{ FAULT_POINT: 'rm -rf' }, /^FAULT_POINT must name what for and a step/],
    [{ FAULT_POINT: 'prepared' }, /^FAULT_POINT must name what for/],
    [{ FAULT_POINT: 'trade:prepraed' }, /^FAULT_POINT must name what for/],
    [{ FAULT_POINT: 'trade:prepared:rest' }, /^FAULT_POINT must name what for/],
  ];
  for (const [env, expected] of broken) {
    it(`[CF1] refuses ${JSON.stringify(env)} in one line`, () => {
      const message = refusal(env);
      assert.match(message, expected);
      assert.match(message, /^[^\n]+: [^\n]+\.$/);
    });
  }

  it('[CF2] has a default for everything but the secrets', () => {
    const { secrets: _, ...config } = loadConfig({ ...SECRETS, REDIS_URL: '', PORT: ' ' });
    assert.deepEqual(config, {
      env: 'development', instance: 0, processes: 1, host: '127.0.0.1', port: 2567, publicAddress: undefined, logLevel: 'info',
      dataDir: path.resolve('.strongroom'), catalogPath: path.resolve('catalog.yaml'),
      shardUrls: undefined, redisUrl: undefined, leaderboardUrls: {}, patchIntervalMs: 50, faultPoint: undefined,
      limits: {
        authRateMax: 2_000, loginFailuresMax: 10, messagesPerSecondMax: 200, tradeTtlMs: 300_000, tradesOpenMax: 64, reconnectionWindowS: 20, inventoryCacheMax: 10_000,
        inventoryCacheTtlMs: 60_000, versionCheckIntervalMs: 5_000, resolverIntervalMs: 1_000, auditIntervalMs: 3_600_000, shardPoolMax: 10,
      },
    });
  });

  it('[CF3] listens on PORT plus its number', () => {
    assert.equal(loadConfig({ ...SECRETS, ...MANY, PORT: '3000', NODE_APP_INSTANCE: '2' }).port, 3002);
    assert.match(refusal({ PORT: '65535', NODE_APP_INSTANCE: '1', REDIS_URL: 'redis://localhost' }), /^PORT 65535 is too high for process 1/);
  });

  it('[CF3] says where clients reach each of several processes: PUBLIC_ADDRESS with its port, or else where it listens', () => {
    const address = (env: Record<string, string>) => loadConfig({ ...SECRETS, ...env }).publicAddress;
    assert.equal(address({}), undefined);
    assert.equal(address({ REDIS_URL: 'redis://a', NODE_APP_INSTANCE: '2' }), '127.0.0.1:2569');
    assert.equal(address({ REDIS_URL: 'redis://a', HOST: '::1' }), '[::1]:2567');
    assert.equal(address({ PUBLIC_ADDRESS: 'game.example.com/{port}', NODE_APP_INSTANCE: '1', REDIS_URL: 'redis://a' }), 'game.example.com/2568');
  });

  it('[CF4] refuses several processes without Redis, and in production without databases that outlive each of them', () => {
    assert.match(refusal({ NODE_APP_INSTANCE: '1' }), /^REDIS_URL is not set, but NODE_APP_INSTANCE is above 0/);
    assert.match(refusal({ PROCESSES: '2' }), /^REDIS_URL is not set, but PROCESSES is above 1/);
    assert.match(refusal({ ...PRODUCTION, PROCESSES: '2', REDIS_URL: 'redis://localhost' }), /^SHARD_URLS is not set, but PROCESSES is above 1/);
    assert.match(refusal({ ...PRODUCTION, NODE_APP_INSTANCE: '1', REDIS_URL: 'redis://localhost' }), /^SHARD_URLS is not set, but NODE_APP_INSTANCE is above 0/);
    assert.equal(loadConfig({ ...SECRETS, ...MANY, PROCESSES: '2' }).redisUrl, 'redis://localhost');
  });

  it('[CF5] takes one PostgreSQL database per shard', () => {
    const SHARD_URLS = 'postgres://u:p@h/a, postgresql://u:p@h/b,postgres:///a?host=/run/postgresql';
    assert.deepEqual(loadConfig({ ...SECRETS, SHARD_URLS }).shardUrls, SHARD_URLS.split(/, ?/));
    assert.match(refusal({ SHARD_URLS: 'postgres://h/a,mysql://h/b' }), /entry 2 of SHARD_URLS is not one/);
    assert.match(refusal({ SHARD_URLS: 'postgres://h/a,' }), /entry 2 of SHARD_URLS is not one/);
    assert.match(refusal({ SHARD_URLS: 'postgres://h' }), /entry 1 of SHARD_URLS does not|SHARD_URLS must name databases/);
    assert.match(refusal({ SHARD_URLS: 'postgres://h/a,postgres://u:secret@H:5432/a' }), /the same database twice \(entries 1 and 2\)/);
    for (const SHARD_URLS of ['mysql://u:secret@h/a', 'postgres://u:secret@h', 'postgres://u:secret@h/a,postgres://u:secret@h/a']) {
      assert.doesNotMatch(refusal({ SHARD_URLS }), /secret/);
    }
  });

  it('[CF6] makes secrets once and keeps them for their owner', () => {
    const DATA_DIR = path.join(folder, 'deep', 'data');
    const { secrets } = loadConfig({ DATA_DIR });
    assert.equal(new Set(Object.values(secrets)).size, 3);
    for (const secret of Object.values(secrets)) assert.ok(secret.length >= 43, 'at least 256 bits');
    const file = path.join(DATA_DIR, 'secrets.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(DATA_DIR), ['secrets.json']);
    chmodSync(file, 0o644);
    assert.deepEqual(loadConfig({ DATA_DIR }).secrets, secrets);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('[CF6] prefers a secret of the environment, and does not store it', () => {
    const { secrets } = loadConfig({ DATA_DIR: folder, SERVICE_KEY: 'mine' });
    assert.equal(secrets.serviceKey, 'mine');
    assert.doesNotMatch(readFileSync(path.join(folder, 'secrets.json'), 'utf8'), /mine/);
  });

  it('[CF6] adds what is missing in the file, and refuses a damaged one', () => {
    const file = path.join(folder, 'secrets.json');
    writeFileSync(file, JSON.stringify({ jwtSecret: 'k'.repeat(20) }));
    const { secrets } = loadConfig({ DATA_DIR: folder });
    assert.equal(secrets.jwtSecret, 'k'.repeat(20));
    assert.deepEqual(loadConfig({ DATA_DIR: folder }).secrets, secrets);
    writeFileSync(file, '{"jwtSecret": ');
    assert.throws(() => loadConfig({ DATA_DIR: folder }), /^ConfigError: .*secrets\.json is damaged: /);
  });

  it('[CF6] says so when the folder cannot hold them', () => {
    writeFileSync(path.join(folder, 'file'), '');
    assert.throws(() => loadConfig({ DATA_DIR: path.join(folder, 'file') }), /^ConfigError: DATA_DIR cannot hold the secrets/);
  });

  it('[CF7] demands secrets in production, and stores none', () => {
    const DATA_DIR = path.join(folder, 'data');
    for (const name of Object.keys(SECRETS)) {
      assert.match(refusal({ ...PRODUCTION, DATA_DIR, [name]: '' }), new RegExp(`^${name} is not set, and NODE_ENV is production`));
      assert.match(refusal({ ...PRODUCTION, DATA_DIR, [name]: 'x'.repeat(15) }), new RegExp(`^${name} has 15 characters`));
    }
    assert.equal(loadConfig({ ...PRODUCTION, DATA_DIR }).secrets.jwtSecret, SECRETS.JWT_SECRET);
    assert.equal(existsSync(DATA_DIR), false);
  });

  it('[CF8] refuses a fault point in production only', () => {
    for (const FAULT_POINT of ['trade:prepared', 'trade:finished-first:pause']) {
      assert.match(refusal({ ...PRODUCTION, FAULT_POINT }), /^FAULT_POINT kills or stops the server on purpose/);
      assert.equal(loadConfig({ ...SECRETS, FAULT_POINT }).faultPoint, FAULT_POINT);
    }
  });

  it('[CF9] reads a .env file under the environment', () => {
    writeFileSync(path.join(folder, '.env'), 'PORT=3000\nHOST=0.0.0.0\n');
    const module = pathToFileURL(path.resolve('server/config/index.ts')).href;
    const script = `import { loadConfig } from ${JSON.stringify(module)}; const { host, port } = loadConfig(); console.log(host, port);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder, env: { ...SECRETS, PORT: '4000' }, encoding: 'utf8',
    });
    assert.equal(stdout, '0.0.0.0 4000\n', stderr);
  });

  it('[CF10] is frozen, all of it', () => {
    const config = loadConfig({ ...SECRETS, SHARD_URLS: 'postgres://h/a' });
    for (const part of [config, config.secrets, config.limits, config.shardUrls, config.leaderboardUrls]) assert.ok(Object.isFrozen(part));
  });
});
