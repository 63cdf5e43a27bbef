import assert from 'node:assert/strict';
import { FAULT_POINTS, type CommitPoint } from '../../persistence/index.ts';
import { hasHappenedAt } from '../kit/commit-point.ts';
import { crashBatch, judgeBatch, type BatchSite } from '../kit/crash-batch.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { joinOn, PLUGS } from '../kit/one-commit.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

/** The point `published` is of each movement, not of the commit. On one shard, what is left is before and after the commit was sent. */
const POINTS = FAULT_POINTS.filter((point) => point !== 'published');
/** Where the pairs are: those that keep the queue busy, and three that are in one commit. */
const OVER_FOUR_SHARDS = [...Array.from({ length: PLUGS }, () => [0, 1]).flat(), 0, 3, 1, 2, 2, 3];
const ON_ONE_SHARD = OVER_FOUR_SHARDS.map(() => 2);

describe('crash points of a commit of several trades', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  before(async () => {
    host = await startShardHost();
  });
  after(async () => {
    await host?.stop();
    remove();
  });

  const places = [
    { where: 'over four shards', shardsOfPlayers: OVER_FOUR_SHARDS, points: POINTS, control: { mutation: 'commits-apart', point: 'prepared', symptom: /neither both legs nor none/ } },
    { where: 'on one shard', shardsOfPlayers: ON_ONE_SHARD, points: ['locked', 'acted', 'committed'], control: undefined },
  ] as const satisfies { where: string; shardsOfPlayers: readonly number[]; points: readonly CommitPoint[]; control: { mutation: MutationName; point: CommitPoint; symptom: RegExp } | undefined }[];

  for (const { where, shardsOfPlayers, points, control } of places) {
    describe(where, () => {
      let site: BatchSite;
      let server: TestServer;
      let armedFor: CommitPoint | undefined;

      /** A server that kills itself when a commit of several movements reaches the point, or never. */
      async function start(point: CommitPoint | undefined, root?: string): Promise<void> {
        armedFor = point;
        const env = { SHARD_URLS: site.shards, RESOLVER_INTERVAL_MS: '200', ...(point !== undefined && { FAULT_POINT: `batch:${point}` }) };
        server = await startServer({ dataDir: folder, env, ...(root !== undefined && { root }) });
      }

      before(async () => {
        site = { host, shards: await host.freshShards(), pairs: [] };
        await start(points[0]);
        const players = await joinOn(server, shardsOfPlayers);
        await Promise.all(players.map((player) => player.leave()));
        for (const [at, first] of players.entries()) if (at % 2 === 0) site.pairs.push([first, players[at + 1]!]);
      });
      after(() => server?.stop());

      /** @param next where the process that judges is to be killed in its turn; to trade one by one does not reach it */
      async function killedAt(point: CommitPoint, next?: CommitPoint): Promise<void> {
        const crashed = await crashBatch(server, site);
        await start(next);
        assert.equal(await judgeBatch(server, site, crashed), hasHappenedAt(point, shardsOfPlayers) ? 'both legs' : 'none');
      }

      for (const [at, point] of points.entries()) {
        it(`[CR1] dupe 1: killed with -9 at "${point}" of a commit ${where}, each of its trades is there whole or not at all`, async () => {
          if (armedFor !== point) await server.stop().then(() => start(point));
          await killedAt(point, points[at + 1]);
        });
      }

      // Of one shard it is in commit-rounds.test.ts: nothing of a process can be killed between a statement and the commit behind it.
      if (control === undefined) return;
      it(`dupe 1 goes red at "${control.point}" of a commit ${where} when the crashing server is "${control.mutation}" (${control.symptom.source})`, async () => {
        await withMutant(control.mutation, async (root) => {
          await server.stop();
          await start(control.point, root);
          await assertGoesRed(killedAt(control.point), control.symptom);
        });
      });
    });
  }
});
