import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DEEDS } from '../../loadtest/load/profile.ts';
import type { LoadRecord } from '../../loadtest/reporting/record.ts';
import { startServer } from '../kit/server.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BOTS = 12;
/** Whatever a bot can do, all of it often enough to be seen in seconds. */
const MIX = `{ ${DEEDS.map((deed) => `${deed}: ${deed === 'trade' ? 3 : 1}`).join(', ')} }`;
const KINDS = ['sign in', 'join', 'guild:create', 'guild:accept', 'move', 'gather', 'trade:invite', 'trade:offer', 'trade:accept', 'trade settled', 'guild:deposit', 'leaderboard', 'reconnect'];

describe('npm run loadtest', function () {
  this.timeout(180_000);
  let scratch: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (scratch = temporaryFolder()));
  afterEach(() => scratch.remove());

  async function loadtest(profile: string, ...more: string[]): Promise<{ stdout: string; record: LoadRecord }> {
    const profiles = path.join(scratch.folder, 'profiles.yaml');
    writeFileSync(profiles, `small: ${profile}\n`);
    const report = path.join(scratch.folder, 'report');
    const { stdout } = await promisify(execFile)(process.execPath, ['loadtest/load.ts', '--profile', 'small', '--profiles', profiles, '--report', report, ...more], { cwd: ROOT, env: { ...process.env, TMPDIR: scratch.folder } });
    assert.deepEqual(readdirSync(report).toSorted(), ['index.html', 'load-small.json']);
    return { stdout, record: JSON.parse(readFileSync(path.join(report, 'load-small.json'), 'utf8')) as LoadRecord };
  }

  it('starts what it needs under PM2, has its bots do all that they can, finds nothing wrong, and writes it down', async () => {
    const { stdout, record } = await loadtest(`{ bots: ${BOTS}, durationS: 8, arriveS: 1, everyMs: 400, processes: 2, botProcesses: 1, mix: ${MIX} }`);
    assert.match(stdout, /all is as it must be/);
    assert.deepEqual(record.violations, []);
    assert.ok(record.audit.length >= 10 && record.audit.every(({ holds }) => holds));
    for (const kind of KINDS) assert.ok((record.requests.find((one) => one.kind === kind)?.answered ?? 0) > 0, `nothing was answered of ${kind}`);
    assert.ok(record.seconds.some(({ online }) => online === BOTS), 'all were online at once');
    const last = record.seconds.at(-2);
    assert.ok(last && last.patchBytesPerPlayer > 0 && (last.redisKeys ?? 0) > 0 && (last.cpu.servers ?? 0) > 0, JSON.stringify(last));
    assert.deepEqual(Object.keys(last.processes), ['process 0', 'process 1']);
  });

  it('kills processes when the profile says so, and what was answered is there', async () => {
    const { record } = await loadtest(`{ bots: ${BOTS}, durationS: 14, arriveS: 1, everyMs: 400, processes: 2, botProcesses: 1, killEveryS: 3, mix: ${MIX} }`);
    assert.deepEqual(record.violations, []);
    assert.ok(record.faults.length >= 1 && record.faults.every(({ what }) => /^kill -9 of process [01]$/.test(what)));
    assert.ok(record.audit.length >= 10);
  });

  it('plays against a server that somebody else runs', async () => {
    const server = await startServer();
    try {
      const { record } = await loadtest(`{ bots: 6, durationS: 4, arriveS: 1, everyMs: 400, processes: 1, botProcesses: 1, mix: { walk: 1, board: 1 } }`, '--against', server.url, '--service-key', server.serviceKey);
      assert.deepEqual([record.violations, record.settings.processes], [[], 0]);
      assert.ok(record.audit.length >= 10 && record.requests.some(({ kind, answered }) => kind === 'move' && answered > 0));
    } finally {
      await server.stop();
    }
  });
});
