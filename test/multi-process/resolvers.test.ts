import assert from 'node:assert/strict';
import { parseGid } from '../../persistence/gid.ts';
import { FAULT_POINTS, type CommitPoint } from '../../persistence/index.ts';
import { crashBatch, judgeBatch, type BatchSite } from '../kit/crash-batch.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { joinOn, PLUGS } from '../kit/one-commit.ts';
import { until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { arm, judgeStopped, stopAtPoint } from '../kit/stopped.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const RESOLVED_MAX_MS = 2_000;
const SAID_MAX_MS = 1_000;
const ON_FOUR_SHARDS = [...Array.from({ length: PLUGS }, () => [0, 1]).flat(), 0, 3, 1, 2, 2, 3];
/** Where a coordinator that dies leaves something prepared, and how it is to end. */
const LEFT_AT: readonly CommitPoint[] = ['prepared-first', 'prepared', 'committed', 'finished-first'];
const COMMIT_POINT = FAULT_POINTS.indexOf('committed');
/** A coordinator resolves only when it starts, so that what the others leave is left. */
const NEVER = { RESOLVER_INTERVAL_MS: String(2 ** 31 - 1) };

describe('resolvers of several processes', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  before(async () => {
    host = await startShardHost();
  });
  beforeEach(async () => {
    shards = await host.freshShards();
  });
  after(async () => {
    await host?.stop();
    remove();
  });

  const start = (env: Record<string, string>, root?: string) => startServer({ dataDir: folder, env: { SHARD_URLS: shards, ...env }, ...(root !== undefined && { root }) });

  /** Settles a batch of trades, in whose commit the server dies. Tells what is left prepared, and how that must end. */
  async function die(server: TestServer) {
    const players = await joinOn(server, ON_FOUR_SHARDS);
    await Promise.all(players.map((player) => player.leave()));
    const site: BatchSite = { host, shards, pairs: [] };
    for (const [at, first] of players.entries()) if (at % 2 === 0) site.pairs.push([first, players[at + 1]!]);
    const before = await host.prepared();
    const crash = await crashBatch(server, site);
    const decided = (await host.onEach<{ id: string }>(shards, `select transaction_id as id from decision where outcome = 'commit'`, [])).flat().map(({ id }) => id);
    const gids = (await host.prepared()).filter((gid) => !before.includes(gid));
    const left = gids.map((gid): Ending => ({ gid, outcome: decided.includes(parseGid(gid)?.transactionId ?? '') ? 'commit' : 'abort' }));
    return { site, crash, left };
  }

  /** A batch over four shards dies at each of the points; then two processes start at once and end what is left. */
  async function endedOnce(points: readonly CommitPoint[], root?: string): Promise<void> {
    const servers = await Promise.all(points.map((point) => start({ ...NEVER, FAULT_POINT: `batch:${point}` })));
    try {
      const crashed = [];
      for (const server of servers) crashed.push(await die(server));
      servers.push(...(await Promise.all([start({}, root), start({}, root)])));
      const [first, second] = servers.slice(points.length) as [TestServer, TestServer];
      await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
      const left = crashed.flatMap((one) => one.left);
      const ended = () => [...endings(first), ...endings(second)];
      await until(() => ended().length >= left.length, SAID_MAX_MS, 'they say so');
      assert.deepEqual(ended().toSorted(byGid), left.toSorted(byGid), 'each ends once, as decided');
      for (const [at, { site, crash, left }] of crashed.entries()) {
        const happened = FAULT_POINTS.indexOf(points[at]!) >= COMMIT_POINT;
        // When one part is told the commit, all may be.
        assert.ok(points[at] === 'finished-first' || left.some(({ outcome }) => outcome === (happened ? 'commit' : 'abort')), `at "${points[at]}" it leaves ${JSON.stringify(left)}`);
        assert.equal(await judgeBatch(first, site, crash), happened ? 'both legs' : 'none');
      }
      assert.equal(ended().length, left.length, 'nor does anything end again');
    } finally {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')));
    }
  }

  it(`[TP4] dupe 27: what coordinators leave that are killed at ${LEFT_AT.join(', ')}, two processes end once, as decided, within 2 s of being up`, () => endedOnce(LEFT_AT));

  it('dupe 27 goes red when the processes are "resolver-commits"', () => withMutant('resolver-commits', (root) => assertGoesRed(endedOnce(['prepared'], root), /neither both legs nor none/)));

  /** A coordinator sleeps past the time that a resolver gives it; another process decides the abort; then it wakes up. */
  async function wakesTooLate(root?: string): Promise<void> {
    const sleeper = await arm('prepared', { shards, place: 'distinct' });
    const other = await start({}, root);
    try {
      const { answer } = await stopAtPoint(sleeper);
      await until(async () => (await host.count('prepared')) === 0, 2 * RESOLVED_MAX_MS, 'the other process has ended it');
      await until(() => endings(other).length > 0, SAID_MAX_MS, 'it says so');
      const ended = endings(other);
      assert.deepEqual(ended.map(({ outcome }) => outcome), ['abort']);
      process.kill(sleeper.server.pid, 'SIGCONT');
      // It fails on the decision, and does its work once more, as another transaction.
      assert.equal(await judgeStopped(sleeper, await answer), 'both legs');
      const { transactionId } = parseGid(ended[0]!.gid)!;
      const decisions = await host.onEach<{ outcome: string }>(shards, 'select outcome from decision where transaction_id = $1', [transactionId]);
      assert.deepEqual(decisions.flat(), [{ outcome: 'abort' }]);
    } finally {
      await other.stop();
      await sleeper.server.kill('SIGKILL');
      await sleeper.server.stop();
    }
  }

  it('[TP5] a coordinator that slept until another process decided the abort commits nothing of it, and does it again', () => wakesTooLate());

  it('dupe 27 goes red when the other process is "resolver-forgets"', () => withMutant('resolver-forgets', (root) => assertGoesRed(wakesTooLate(root), /neither both legs nor none/)));
});

interface Ending {
  gid: string;
  outcome: string;
}

/** What a process says that it ended. */
function endings(server: TestServer): Ending[] {
  const lines = server.log().split('\n').filter((line) => line.includes('left prepared'));
  return lines.map((line) => JSON.parse(line) as Ending).map(({ gid, outcome }) => ({ gid, outcome }));
}

const byGid = (a: Ending, b: Ending) => (a.gid < b.gid ? -1 : 1);
