import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { memoryBoardSets, type ScoreChange, type Seasons, type SetName, type Storage } from '../../persistence/index.ts';
import { CatalogFile, type Board } from '../../schema/catalog.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { GLOBAL, type BoardRow } from '../../schema/leaderboard.ts';
import { Catalog } from '../../server/catalog/index.ts';
import { JoinedReads } from '../../server/leaderboards/joined-reads.ts';
import { Leaderboards, type RegionSets } from '../../server/leaderboards/index.ts';
import { endOfSeason } from '../../server/leaderboards/season-clock.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import { assertSoon } from '../kit/patience.ts';
import { until } from '../kit/player.ts';

const SEASON = 4;

/** A set that answers, says nothing, or fails, as it is told. */
class FickleSets implements RegionSets {
  how: 'answers' | 'says nothing' | 'fails' | 'is down' = 'answers';
  readonly #sets = memoryBoardSets();
  asked = 0;

  isUp = () => this.how !== 'is down';
  apply: RegionSets['apply'] = (...asked) => this.#answer(this.#sets.apply(...asked));
  tops: RegionSets['tops'] = (...asked) => this.#answer(this.#sets.tops(...asked));
  scores: RegionSets['scores'] = (...asked) => this.#answer(this.#sets.scores(...asked));
  better: RegionSets['better'] = (...asked) => this.#answer(this.#sets.better(...asked));
  around: RegionSets['around'] = (...asked) => this.#answer(this.#sets.around(...asked));
  size: RegionSets['size'] = (...asked) => this.#answer(this.#sets.size(...asked));
  begin: RegionSets['begin'] = (...asked) => this.#answer(this.#sets.begin(...asked));
  renew: RegionSets['renew'] = (...asked) => this.#answer(this.#sets.renew(...asked));
  finish: RegionSets['finish'] = (...asked) => this.#answer(this.#sets.finish(...asked));
  drop: RegionSets['drop'] = (...asked) => this.#answer(this.#sets.drop(...asked));

  async #answer<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.asked++;
    if (this.how === 'says nothing') return await new Promise<Answer>(() => undefined);
    if (this.how === 'fails') throw new Error('no connection');
    return await answer;
  }
}

interface Score {
  player: PlayerId;
  region: string;
  value: number;
}

/** Leaderboards over these scores, as if PostgreSQL had them. */
async function open(scores: readonly Score[], regions: readonly string[], order: Board['order'] = 'descending') {
  const sets = new Map(regions.map((region) => [region, new FickleSets()]));
  const changes = scores.map((score): ScoreChange => ({ ...score, board: 'arena', season: SEASON, version: 1 }));
  const seasons: Seasons = { now: 0, open: new Map([['arena', { board: 'arena', number: SEASON, endsAt: null }]]), unarchived: [] };
  const storage = {
    seasons: { read: async () => seasons, ensure: async () => undefined },
    scoreScan: { all: async (_board: string, _season: number, each: (rows: ScoreChange[]) => Promise<void>) => (await each(changes), changes.length), changedWithin: async () => 0, activeWithin: async () => [] },
    scores: { find: async (player: PlayerId) => changes.filter((change) => change.player === player).map(({ region, value }) => ({ region, score: value }))[0] },
    guilds: { names: async (players: PlayerId[]) => new Map(players.map((player) => [player, `n${player.slice(0, 4)}`])) },
  } as unknown as Storage;
  const catalog = new Catalog(
    CatalogFile.parse({ assets: [{ name: 'gold', title: 'Gold', icon: 'gold', type: 'fungible', stack: 1 }], zones: [{ name: 'z', title: 'Z', width: 1, height: 1, spawn: { x: 0, y: 0 }, speed: 1, reach: 1, nodes: [] }], regions, boards: [{ name: 'arena', title: 'Arena', rule: 'latest', order }] }),
  );
  const faults: unknown[] = [];
  const boards = new Leaderboards({ storage, catalog, metrics: new Metrics(), reach: () => undefined, sets, others: new FickleSets(), onFault: (error) => void faults.push(error) });
  await boards.start();
  await until(async () => (await boards.top('arena')).missing.length === 0, 5_000, 'all sets are filled');
  return { boards, sets, faults, names: (season: number, region: string): SetName => ({ board: 'arena', season, region, isLower: order === 'ascending', rule: 'latest', keep: 10_000_000 }) };
}

/** The whole board by a plain sort, 1, 1, 3. */
function modelOf(scores: readonly Score[], isLower: boolean): BoardRow[] {
  const isBetter = (a: Score, b: Score) => (isLower ? a.value < b.value : a.value > b.value);
  return scores
    .toSorted((a, b) => (a.value === b.value ? (a.player < b.player ? -1 : 1) : isBetter(a, b) ? -1 : 1))
    .map((score) => ({ rank: 1 + scores.filter((other) => isBetter(other, score)).length, playerId: score.player, name: `n${score.player.slice(0, 4)}`, score: score.value, region: score.region }));
}

const scoresOver = (regionsMax: number) =>
  fc.integer({ min: 1, max: regionsMax }).chain((count) =>
    fc.record({
      regions: fc.constant(Array.from({ length: count }, (_, at) => `r${at}`)),
      scores: fc.array(fc.record({ player: fc.uuid().map((id) => id as PlayerId), region: fc.nat(count - 1).map((at) => `r${at}`), value: fc.integer({ min: -5, max: 5 }) }), { minLength: 1, maxLength: 160 }).map((all) => [...new Map(all.map((one) => [one.player, one])).values()]),
    }),
  );

describe('leaderboards', () => {
  it('[LB2] top, rank and around over 1 to 10 regions are those of a plain sort, with ties', async () => {
    await fc.assert(
      fc.asyncProperty(scoresOver(10), fc.boolean(), fc.integer({ min: 0, max: 8 }), async ({ regions, scores }, isLower, radius) => {
        const { boards } = await open(scores, regions, isLower ? 'ascending' : 'descending');
        try {
          for (const region of [GLOBAL, ...regions]) {
            const model = modelOf(region === GLOBAL ? scores : scores.filter((score) => score.region === region), isLower);
            assert.deepEqual(await boards.top('arena', region), { board: 'arena', region, season: SEASON, rows: model.slice(0, 100), missing: [] });
            for (const [at, row] of model.entries()) {
              if (at % 5 !== 0 && at > 3) continue;
              const place = await boards.place('arena', row.playerId, region);
              assert.deepEqual([place.rank, place.score], [row.rank, row.score]);
              const from = Math.max(0, at - radius);
              assert.deepEqual((await boards.around('arena', row.playerId, region, radius)).rows, model.slice(from, at + radius + 1));
            }
          }
          const some = scores.filter((_, at) => at % 3 === 0);
          assert.deepEqual((await boards.among('arena', some.map(({ player }) => player))).rows, modelOf(some, isLower));
        } finally {
          await boards.stop();
        }
      }),
      { numRuns: 25 },
    );
  });

  // Guards the second question to a region that may have more of the rows around a place than its share, before it and behind it.
  for (const isLower of [true, false]) {
    it(`[LB2] the rows around a place are right where all of them are of one region, ${isLower ? 'ascending' : 'descending'}`, async () => {
      const regions = Array.from({ length: 10 }, (_, at) => `r${at}`);
      const scoresOf = (region: string, count: number, from: number): Score[] => Array.from({ length: count }, (_, at) => ({ player: randomUUID() as PlayerId, region, value: from + Math.floor(at / 2) }));
      const scores = regions.flatMap((region, at) => scoresOf(region, at === 0 ? 40 : 5, at === 0 ? 0 : 1_000 * (at - 5)));
      const { boards } = await open(scores, regions, isLower ? 'ascending' : 'descending');
      try {
        const model = modelOf(scores, isLower);
        for (const radius of [0, 3, 8, 30]) {
          for (const [at, row] of model.entries()) assert.deepEqual((await boards.around('arena', row.playerId, GLOBAL, radius)).rows, model.slice(Math.max(0, at - radius), at + radius + 1));
        }
      } finally {
        await boards.stop();
      }
    });
  }

  // Guards the second question to a region that has more among the best than it had the last time, also after a time in which nothing changed.
  it('[LB2] the top is right when one region takes many places at once', async () => {
    const regions = Array.from({ length: 10 }, (_, at) => `r${at}`);
    const scores: Score[] = regions.flatMap((region) => Array.from({ length: 30 }, (_, at) => ({ player: randomUUID() as PlayerId, region, value: at })));
    const { boards, sets, names } = await open(scores, regions);
    try {
      for (const [nth, count] of [1, 2, 3, 9, 40, 150].entries()) {
        for (let read = 0; read < nth % 3; read++) await boards.top('arena');
        const region = `r${nth}`;
        const more = Array.from({ length: count }, (): Score => ({ player: randomUUID() as PlayerId, region, value: 100 + nth }));
        await sets.get(region)?.apply(names(SEASON, region), more.map(({ player, value }) => ({ player, value, version: 1 })));
        scores.push(...more);
        assert.deepEqual((await boards.top('arena')).rows, modelOf(scores, false).slice(0, 100));
      }
    } finally {
      await boards.stop();
    }
  });

  it('[LB2] who has no score has no place, and no rows around it', async () => {
    const { boards } = await open([{ player: randomUUID() as PlayerId, region: 'eu', value: 1 }], ['eu', 'us']);
    const stranger = randomUUID() as PlayerId;
    assert.deepEqual(await boards.place('arena', stranger), { board: 'arena', region: GLOBAL, season: SEASON, playerId: stranger, rank: null, score: null, missing: [] });
    assert.deepEqual((await boards.around('arena', stranger, GLOBAL, 5)).rows, []);
    await assert.rejects(boards.place('arena', stranger, 'mars'), { code: 'BAD_REQUEST' });
    await assert.rejects(boards.top('nope'), { code: 'BAD_REQUEST' });
    await boards.stop();
  });

  for (const how of ['says nothing', 'fails', 'is down'] as const) {
    // Guards the bound on an answer, and that one region's fault is not another's.
    it(`[LB6] a region that ${how} is named, and the others are ranked without it`, async () => {
      const scores = [5, 7, 7, 2, 9].map((value, at): Score => ({ player: randomUUID() as PlayerId, region: at % 2 === 0 ? 'eu' : 'us', value }));
      const { boards, sets } = await open(scores, ['asia', 'eu', 'us']);
      sets.get('us')!.how = how;
      const began = performance.now();
      const top = await boards.top('arena');
      const tookMs = performance.now() - began;
      assertSoon(tookMs, 250, 'the top');
      assert.deepEqual(top.missing, ['us']);
      assert.deepEqual(top.rows.map(({ score, rank }) => [score, rank]), [[9, 1], [7, 2], [5, 3]]);
      // One who is at home there still has a score, and a rank among the others.
      const away = scores.find(({ region, value }) => region === 'us' && value === 7)!;
      assert.deepEqual(await boards.place('arena', away.player), { board: 'arena', region: GLOBAL, season: SEASON, playerId: away.player, rank: 2, score: 7, missing: ['us'] });
      assert.deepEqual(await boards.place('arena', away.player, 'us'), { board: 'arena', region: 'us', season: SEASON, playerId: away.player, rank: null, score: 7, missing: ['us'] });
      sets.get('us')!.how = 'answers';
      assert.deepEqual((await boards.top('arena')).missing, []);
      await boards.stop();
    });
  }

  it('[LB9] the top is the same object until something in it changes, and is read once for all who listen', async () => {
    const ann = randomUUID() as PlayerId;
    const { boards, sets, names } = await open([{ player: ann, region: 'eu', value: 5 }], ['eu']);
    const shown: number[][] = [];
    const stops = Array.from({ length: 50 }, () => boards.watch('arena', 'eu', ({ rows }) => shown.push(rows.map(({ score }) => score))));
    await until(() => shown.length === 50, 3_000, 'all are shown the board');
    assert.equal(await boards.top('arena', 'eu'), await boards.top('arena', 'eu'));
    const before = sets.get('eu')!.asked;
    await until(() => sets.get('eu')!.asked >= before + 3, 5_000, 'it is looked at again');
    assert.equal(shown.length, 50, 'nothing changed, so nobody was told');
    await sets.get('eu')!.apply(names(SEASON, 'eu'), [{ player: ann, value: 6, version: 2 }]);
    await until(() => shown.length === 100, 3_000, 'all are shown the change');
    assert.deepEqual(shown.slice(50), Array.from({ length: 50 }, () => [6]));
    for (const stop of stops) stop();
    await boards.stop();
  });
});

describe('joined reads', () => {
  it('[LB9] who asks while one is under way gets the next, whoever else does', async () => {
    const ends: (() => void)[] = [];
    let began = 0;
    const reads = new JoinedReads<string, number>(() => new Promise((resolve) => {
      const at = ++began;
      ends.push(() => resolve(at));
    }));
    const first = reads.get('a');
    const later = [reads.get('a'), reads.get('a'), reads.get('a')];
    const other = reads.get('b');
    assert.equal(began, 2);
    ends[0]!();
    assert.equal(await first, 1);
    assert.equal(began, 3);
    ends[1]!();
    ends[2]!();
    assert.deepEqual(await Promise.all(later), [3, 3, 3]);
    assert.equal(await other, 2);
  });

  it('a reading that fails fails for those who waited for it, and not for the next', async () => {
    let began = 0;
    const reads = new JoinedReads<string, number>(async () => {
      if (++began === 1) throw new Error('no');
      return began;
    });
    const [first, second] = [reads.get('a'), reads.get('a')];
    await assert.rejects(first, /no/);
    assert.equal(await second, 2);
  });
});

describe('the end of a season', () => {
  it('[LB8] is the next time that its pattern names, in UTC, and never without one', () => {
    const at = Date.UTC(2026, 10, 28, 12, 0, 0);
    assert.equal(endOfSeason('0 0 * * 1', at), Date.UTC(2026, 10, 30));
    assert.equal(endOfSeason('0 0 1 * *', at), Date.UTC(2026, 11, 1));
    assert.equal(endOfSeason(undefined, at), null);
    // Exactly at its end it is the one after.
    assert.equal(endOfSeason('0 0 1 * *', Date.UTC(2026, 11, 1)), Date.UTC(2027, 0, 1));
  });
});
