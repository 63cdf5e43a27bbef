import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { KEPT_BEYOND, type BoardSets, type SetEntry, type SetName, type SetRow } from '../../persistence/board-sets.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { memoryBoards, redisBoards, topOf, type BoardSetsHost, type RedisBoards } from '../kit/board-sets.ts';

const PLAYERS = Array.from({ length: 30 }, () => randomUUID() as PlayerId).toSorted();
const [ANN, BEN, CAT] = PLAYERS as [PlayerId, PlayerId, PlayerId];
const RULES = ['best', 'latest', 'sum'] as const;

const nameOf = (more: Partial<SetName> = {}): SetName => ({ board: 'arena', season: 1, region: 'eu', isLower: false, rule: 'latest', keep: 1_000, ...more });
const entry = (player: PlayerId, value: number, version = 1): SetEntry => ({ player, value, version });

async function fill(sets: BoardSets, name: SetName, entries: readonly SetEntry[]): Promise<void> {
  const filling = await sets.begin(name);
  assert.ok(filling !== undefined);
  await sets.apply(name, entries);
  assert.equal(await sets.finish(name, filling), true);
}

/** Scores as a board's rule makes them: each with its version, the best and the sums only ever better or more. */
function historyOf(rule: SetName['rule'], isLower: boolean, steps: readonly { player: number; value: number }[]): SetEntry[] {
  const held = new Map<PlayerId, SetEntry>();
  return steps.map(({ player: at, value }) => {
    const player = PLAYERS[at] as PlayerId;
    const before = held.get(player);
    const best = isLower ? Math.min : Math.max;
    const merged = before === undefined || rule === 'latest' ? value : rule === 'best' ? best(before.value, value) : before.value + value;
    const next = { player, value: rule === 'sum' && before === undefined ? Math.abs(value) : rule === 'sum' ? (before?.value ?? 0) + Math.abs(value) : merged, version: (before?.version ?? 0) + 1 };
    held.set(player, next);
    return next;
  });
}

/** What a plain sort says of the newest score of each. */
function modelOf(entries: readonly SetEntry[], isLower: boolean): SetRow[] {
  const newest = new Map<PlayerId, SetEntry>();
  for (const one of entries) if ((newest.get(one.player)?.version ?? 0) < one.version) newest.set(one.player, one);
  return [...newest.values()].map(({ player, value }) => ({ player, value })).toSorted((a, b) => (isLower ? a.value - b.value : b.value - a.value) || (a.player < b.player ? -1 : 1));
}

for (const [kind, start] of Object.entries({ memory: memoryBoards, redis: redisBoards as () => Promise<BoardSetsHost> })) {
  describe(`board sets: ${kind}`, () => {
    let host: BoardSetsHost;
    let sets: BoardSets;
    before(async () => void (host = await start()));
    beforeEach(async () => {
      await host.flush();
      sets = host.sets;
    });
    after(() => host.stop());

    for (const rule of RULES) {
      // Guards the comparison of versions, and ZADD LT where that is the guard.
      it(`[LB5] by "${rule}": whatever comes late, twice or in another order, all answers are those of a plain sort of the newest`, async () => {
        let round = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.boolean(),
            fc.array(fc.record({ player: fc.nat(PLAYERS.length - 1), value: fc.integer({ min: -6, max: 6 }) }), { minLength: 1, maxLength: 60 }),
            fc.infiniteStream(fc.nat()),
            async (isLower, steps, order) => {
              const name = nameOf({ rule, isLower, season: ++round });
              const history = historyOf(rule, isLower, steps);
              const delivered = [...history, ...history.slice(0, 10)].map((one) => ({ one, at: order.next().value as number })).toSorted((a, b) => a.at - b.at).map(({ one }) => one);
              await fill(sets, name, []);
              for (let at = 0; at < delivered.length; at += 7) assert.equal(await sets.apply(name, delivered.slice(at, at + 7).filter(isLastOfItsPlayer)), true);
              const model = modelOf(delivered.filter((one, at) => isLastOfItsPlayer(one, at % 7, delivered.slice(at - (at % 7), at - (at % 7) + 7))), isLower);
              assert.deepEqual(await topOf(sets, name, 12), model.slice(0, 12));
              assert.equal(await sets.size(name), model.length);
              assert.deepEqual(await sets.scores(name, PLAYERS), PLAYERS.map((player) => model.find((row) => row.player === player)?.value ?? null));
              const values = [-7, -3, 0, 2, 7];
              assert.deepEqual(await sets.better(name, values), values.map((value) => model.filter((row) => (isLower ? row.value < value : row.value > value)).length));
              const place = { player: PLAYERS[steps[0]!.player]!, value: steps[0]!.value };
              const before = model.filter((row) => (row.value === place.value ? row.player < place.player : isLower ? row.value < place.value : row.value > place.value)).length;
              const from = Math.max(0, before - 3);
              assert.deepEqual(await sets.around(name, place, 3), { before, from, rows: model.slice(from, before + 4) });
            },
          ),
          { numRuns: kind === 'memory' ? 200 : 60 },
        );
      });
    }

    it('[LB5] answers nothing until it was filled, and takes scores meanwhile', async () => {
      const name = nameOf();
      assert.equal(await sets.apply(name, [entry(ANN, 5)]), false);
      for (const answer of [topOf(sets, name, 10), sets.scores(name, [ANN]), sets.better(name, [1]), sets.around(name, { player: ANN, value: 5 }, 2), sets.size(name)]) assert.equal(await answer, undefined);
      await fill(sets, name, [entry(BEN, 7)]);
      assert.deepEqual(await topOf(sets, name, 10), [{ player: BEN, value: 7 }, { player: ANN, value: 5 }]);
    });

    it('[LB5] is another set by another board, season, region, order, rule or length', async () => {
      await fill(sets, nameOf(), [entry(ANN, 5)]);
      for (const other of [{ board: 'trades' }, { season: 2 }, { region: 'us' }, { isLower: true }, { rule: 'best' as const }, { keep: 2_000 }]) assert.equal(await topOf(sets, nameOf(other), 10), undefined);
    });

    it('[LB5] begun anew it forgets what it held, and else it keeps it', async () => {
      const name = nameOf();
      await fill(sets, name, [entry(ANN, 5, 9), entry(BEN, 1)]);
      await fill(sets, name, [entry(ANN, 4, 3)]);
      assert.deepEqual(await topOf(sets, name, 10), [{ player: ANN, value: 5 }, { player: BEN, value: 1 }]);
      const filling = await sets.begin(name, true);
      await sets.apply(name, [entry(ANN, 4, 3)]);
      assert.equal(await sets.finish(name, filling ?? ''), true);
      assert.deepEqual(await topOf(sets, name, 10), [{ player: ANN, value: 4 }]);
    });

    it('[LB1] holds the largest and the least exactly, and zero as zero', async () => {
      for (const isLower of [true, false]) {
        const name = nameOf({ isLower });
        await fill(sets, name, [entry(ANN, Number.MAX_SAFE_INTEGER), entry(BEN, -Number.MAX_SAFE_INTEGER), entry(CAT, 0)]);
        const rows = [{ player: ANN, value: Number.MAX_SAFE_INTEGER }, { player: CAT, value: 0 }, { player: BEN, value: -Number.MAX_SAFE_INTEGER }];
        assert.deepEqual(await topOf(sets, name, 3), isLower ? rows.toReversed() : rows);
        assert.ok(Object.is((await sets.scores(name, [CAT]))?.[0], 0), 'not minus zero');
      }
    });

    for (const rule of RULES) {
      it(`[LB6] by "${rule}": keeps the best so many with all that are as good, and nothing that is worse comes back`, async () => {
        const keep = 100;
        const name = nameOf({ rule, keep });
        const many = Array.from({ length: Math.floor(keep * KEPT_BEYOND) + 1 }, (_, at) => entry(randomUUID() as PlayerId, 1_000 + Math.floor(at / 4)));
        await fill(sets, name, many);
        const cutoff = many.map(({ value }) => value).toSorted((a, b) => b - a)[keep - 1] as number;
        const kept = many.filter(({ value }) => value >= cutoff).length;
        assert.equal(await sets.size(name), kept);
        await sets.apply(name, [entry(ANN, cutoff - 1), entry(BEN, cutoff), entry(CAT, cutoff + 1)]);
        assert.equal(await sets.size(name), kept + 2);
        assert.deepEqual(await sets.scores(name, [ANN, BEN, CAT]), [null, cutoff, cutoff + 1]);
        await sets.apply(name, [entry(ANN, cutoff + 50, 2)]);
        assert.deepEqual((await topOf(sets, name, 1))?.[0], { player: ANN, value: cutoff + 50 });
        if (rule !== 'latest') return;
        // Who falls below what is kept goes, and an older score does not bring them back.
        await sets.apply(name, [entry(ANN, 1, 4)]);
        await sets.apply(name, [entry(ANN, cutoff + 60, 3)]);
        assert.deepEqual(await sets.scores(name, [ANN]), [null]);
      });
    }
  });
}

describe('board sets: redis alone', () => {
  let host: RedisBoards;
  const name = nameOf();
  before(async () => void (host = await redisBoards()));
  beforeEach(() => host.flush());
  after(() => host.stop());

  it('[LB5] one at a time fills a set; who says nothing for 3 s is not believed any more', async () => {
    const first = await host.sets.begin(name);
    assert.equal(await host.sets.begin(name), undefined);
    for (const key of await host.lane.commands.keys('*:filler')) await host.lane.commands.del(key);
    const second = await host.sets.begin(name);
    assert.ok(second !== undefined && second !== first);
    assert.equal(await host.sets.renew(name, first ?? ''), false);
    assert.equal(await host.sets.finish(name, first ?? ''), false);
    assert.equal(await host.sets.renew(name, second), true);
    assert.equal(await host.sets.finish(name, second), true);
    assert.deepEqual(await topOf(host.sets, name, 1), []);
  });

  // Guards the mark of who is filling, which is lost with the rest.
  it('[LB5] what is flushed while it is filled is not complete', async () => {
    const filling = await host.sets.begin(name);
    await host.sets.apply(name, [entry(ANN, 5)]);
    await host.flush();
    await host.sets.apply(name, [entry(BEN, 6)]);
    assert.equal(await host.sets.renew(name, filling ?? ''), false);
    assert.equal(await host.sets.finish(name, filling ?? ''), false);
    assert.equal(await topOf(host.sets, name, 1), undefined);
  });

  // Guards the server's run in the mark of what is complete, and in that of who is filling.
  it('[LB5] what a new run read from an old file is not complete, nor is what was begun before', async () => {
    await fill(host.sets, name, [entry(ANN, 5)]);
    const other = nameOf({ season: 2 });
    const filling = await host.sets.begin(other);
    await host.lane.commands.save();
    await host.sets.apply(name, [entry(BEN, 6)]);
    await host.sets.apply(other, [entry(BEN, 6)]);
    await host.restart();
    assert.equal(await host.lane.commands.zcard((await host.lane.commands.keys('*:1:eu:desc:latest:1000}'))[0] ?? ''), 1, 'the file was read');
    assert.equal(await topOf(host.sets, name, 1), undefined);
    assert.equal(await host.sets.apply(name, [entry(CAT, 4)]), false);
    assert.equal(await host.sets.finish(other, filling ?? ''), false);
    await fill(host.sets, name, [entry(BEN, 6)]);
    assert.deepEqual((await topOf(host.sets, name, 3))?.map(({ player }) => player), [BEN, ANN, CAT]);
  });
});

/** Within one call of `apply` a player stands once: callers see to that. */
function isLastOfItsPlayer({ player }: SetEntry, at: number, all: readonly SetEntry[]): boolean {
  return all.findLastIndex((other) => other.player === player) === at;
}
