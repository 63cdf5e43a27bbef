import assert from 'node:assert/strict';
import { FAULT_POINTS, faultPoints, type CommitPoint } from '../../persistence/index.ts';
import { hasHappenedAt } from '../kit/commit-point.ts';
import { crashAt, prepareSite, type CrashSite, type Recovery } from '../kit/crash.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';

/** The points that a movement over one shard passes. */
const ON_ONE_SHARD: readonly CommitPoint[] = ['locked', 'acted-first', 'acted', 'committed', 'published'];
/** Where a leg of several assets is half-way, if it could ever be. */
const MID_LEG: readonly CommitPoint[] = ['acted-first', 'prepared-first', 'finished-first'];

describe('crash points', () => {
  const recoveries: (Recovery & { pair: string })[] = [];

  for (const [pair, shards, points, on] of [['over two shards', 'distinct', FAULT_POINTS, [0, 1]], ['on one shard', 'same', ON_ONE_SHARD, [0]]] as const) {
    describe(pair, () => {
      const { folder, remove } = temporaryDataFolder('databases');
      let site: CrashSite;
      before(async () => {
        site = await prepareSite({ dataDir: folder }, shards);
      });
      after(remove);

      for (const point of points) {
        const dupe = MID_LEG.includes(point) ? 'dupe 1 and dupe 3' : 'dupe 1';
        it(`[CR1] ${dupe}: killed with -9 at "${point}", a trade ${pair} is there whole or not at all`, async () => {
          const recovery = await crashAt(point, site);
          recoveries.push({ pair, ...recovery });
          assert.equal(recovery.result, hasHappenedAt(point, on) ? 'both legs' : 'none');
          // The next one goes the other way, from the higher shard to the lower.
          site = { ...site, members: site.members.toReversed() };
        });
      }
    });
  }

  it('[CR2] a fault point does nothing without a setting, and at no other point or label than the one set', () => {
    for (const reach of [faultPoints(undefined), faultPoints('gather:acted'), faultPoints('gather:acted:pause')]) for (const point of FAULT_POINTS) reach(point, 'trade');
    for (const point of FAULT_POINTS) if (point !== 'acted') for (const spec of ['gather:acted', 'gather:acted:pause']) faultPoints(spec)(point, 'gather');
  });

  after(() => {
    for (const { pair, point, result, readyMs, resolvedMs, tradedMs } of recoveries) {
      console.log(`    ${pair.padEnd(15)} ${point.padEnd(14)} ${result.padEnd(9)} ready ${ms(readyMs)}, nothing open ${ms(resolvedMs)}, traded again ${ms(tradedMs)}`);
    }
  });
});

const ms = (duration: number) => `${Math.round(duration)} ms`;
