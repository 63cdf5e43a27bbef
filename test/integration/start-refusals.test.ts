import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { freePort } from '../kit/server.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SECRET = 'a secret of enough characters';
const CATALOG = readFileSync(path.join(ROOT, 'catalog.yaml'), 'utf8');

describe('a start that is refused', () => {
  let folder: string;
  let remove: () => void;
  before(() => {
    ({ folder, remove } = temporaryFolder());
  });
  after(() => remove());

  /** Starts the server as a user does and waits for its end. */
  async function start(env: Record<string, string>): Promise<{ code: number | null; stdout: string; stderr: string; tookMs: number }> {
    const began = performance.now();
    const child = spawn(process.execPath, ['server/main.ts'], { cwd: ROOT, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: path.join(folder, 'data'), PORT: String(await freePort()), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const killer = setTimeout(() => child.kill('SIGKILL'), 40_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(killer);
    return { code, stdout, stderr, tookMs: performance.now() - began };
  }

  async function assertRefused(env: Record<string, string>, ...says: RegExp[]): Promise<void> {
    const { code, stderr, stdout } = await start(env);
    assert.equal(code, 1, `${JSON.stringify(env)}: ${stdout}${stderr}`);
    assert.equal(stderr.trimEnd().split('\n').length, 1, `one line: ${stderr}`);
    for (const pattern of says) assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, / at .*\.ts|node:internal|Error:/, 'no stack');
    assert.doesNotMatch(stdout, /listening/);
  }

  const SETTINGS: [env: Record<string, string>, ...says: RegExp[]][] = [
    [{ PORT: 'http' }, /PORT/, /whole number/],
    [{ PORT: '65535', NODE_APP_INSTANCE: '1', PROCESSES: '2', REDIS_URL: 'redis://127.0.0.1:1' }, /PORT|REDIS_URL/],
    [{ TRADE_TTL_MS: '5' }, /TRADE_TTL_MS/, /at least 1000/],
    [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL/, /one of/],
    [{ PROCESSES: '2' }, /REDIS_URL/],
    [{ REDIS_URL: 'redis://:secret-word@127.0.0.1:1' }, /REDIS_URL does not answer \(ECONNREFUSED\)/, /start Redis/, /^(?!.*secret-word)/],
    [{ REDIS_URL: 'redis://127.0.0.1:1', HOST: '0.0.0.0' }, /PUBLIC_ADDRESS/, /set PUBLIC_ADDRESS/],
    [{ LEADERBOARD_URLS: 'mars=redis://127.0.0.1:1' }, /LEADERBOARD_URLS names the region "mars"/, /name one of eu, us, asia/],
    [{ SHARD_URLS: 'mysql://user:secret-word@host/db' }, /SHARD_URLS/, /^(?!.*secret-word)/],
    [{ NODE_ENV: 'production' }, /JWT_SECRET/, /set it/],
    [{ NODE_ENV: 'production', JWT_SECRET: SECRET, SERVICE_KEY: 'short', ADMIN_PASSWORD: SECRET }, /SERVICE_KEY/, /at least 16/],
    [{ NODE_ENV: 'production', JWT_SECRET: SECRET, SERVICE_KEY: SECRET, ADMIN_PASSWORD: SECRET, FAULT_POINT: 'acted' }, /FAULT_POINT/],
  ];
  for (const [env, ...says] of SETTINGS) {
    it(`[CF1] a wrong setting ends it with 1 and one line: ${Object.entries(env).map((pair) => pair.join('=')).join(' ').slice(0, 70)}`, () => assertRefused(env, ...says));
  }

  const CATALOGS: Record<string, [text: string, ...says: RegExp[]]> = {
    'a kind that is neither': [CATALOG.replace('type: fungible, stack: 9999', 'type: fungable, stack: 9999'), /:6: assets\[0\]\.type/],
    'a stack of none': [CATALOG.replace('stack: 9999', 'stack: 0'), /:6: assets\[0\]\.stack/],
    'a name twice': [CATALOG.replace('name: ore,', 'name: gold,'), /:7: .*gold/],
    'a node of an unknown asset': [CATALOG.replace('asset: coal', 'asset: cole'), /:\d+: zones\[0\]\.nodes\[2\]\.asset/],
    'no YAML': ['assets: [', /:1: /],
    'an empty file': ['', /:1: /],
  };
  for (const [what, [text, ...says]] of Object.entries(CATALOGS)) {
    it(`[CT1] a wrong catalogue ends it with the file, the line and the field: ${what}`, async () => {
      const file = path.join(folder, 'wrong.yaml');
      writeFileSync(file, text);
      await assertRefused({ CATALOG_PATH: file }, /wrong\.yaml/, ...says);
    });
  }

  it('[CT1] a catalogue that is not there, or is a folder, ends it with one line that names it', async () => {
    await assertRefused({ CATALOG_PATH: path.join(folder, 'absent.yaml') }, /absent\.yaml/, /CATALOG_PATH/);
    mkdirSync(path.join(folder, 'a-folder'));
    await assertRefused({ CATALOG_PATH: path.join(folder, 'a-folder') }, /a-folder/, /CATALOG_PATH/);
  });

  it('[CF1] databases that cannot be reached end it with one line, without their password', async () => {
    const closed = await freePort();
    await assertRefused({ SHARD_URLS: `postgres://user:secret-word@127.0.0.1:${closed}/shard0` }, /SHARD_URLS/, /cannot be reached/, /^(?!.*secret-word)/);
  });

  it('[CF1] a port that is taken ends it with one line that names it', async () => {
    const holder: Server = createServer();
    const port = await freePort();
    holder.listen(port, '127.0.0.1');
    await once(holder, 'listening');
    try {
      await assertRefused({ PORT: String(port) }, new RegExp(`\\b${port}\\b`), /PORT/);
    } finally {
      holder.close();
    }
  });

  it('[CF1] a data folder that cannot be written ends it with one line', async () => {
    writeFileSync(path.join(folder, 'a-file'), '');
    await assertRefused({ DATA_DIR: path.join(folder, 'a-file', 'below') }, /DATA_DIR/);
  });
});
