import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { closeShards, openShards, openStorage, type ScoreChange, type ScoreOutcome } from '../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { Refusal } from '../../schema/refusals.ts';
import { command, committed, movement, newCommandId, redInvariants, settleOne, startCluster, type TestCluster } from '../kit/cluster.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';

const BOARDS = { highest: 'arena', lowest: 'race', latest: 'wealth', sum: 'trades' } as const;
type Merging = keyof typeof BOARDS;

describe('scores', () => {
  let cluster: TestCluster;
  let ann: PlayerId;
  before(async () => {
    cluster = await startCluster();
    await cluster.storage.seasons.ensure(Object.values(BOARDS));
  });
  beforeEach(async () => void ([ann] = (await cluster.newPlayers(1)) as [PlayerId]));
  after(() => cluster.stop());

  const submit = (player: PlayerId, merging: Merging, value: number, id: CommandId = newCommandId(), asked = `${player} ${merging} ${value}`) =>
    cluster.storage.scores.record({ id, hash: Buffer.from(asked), board: BOARDS[merging], merging, player, value });
  const scoreOf = (outcome: ScoreOutcome) => (outcome.status === 'recorded' ? outcome.score : outcome.status);
  const rowsOf = (player: PlayerId) => cluster.sql<{ board: string; value: string; version: string }>(cluster.placeOf(player), 'select board, value, version from score where player = $1 order by board', [player]);

  it('[LB1] are the best, the latest, or the sum of what was submitted', async () => {
    const submitted = [5, 3, 9, 9, 1];
    const kept: Record<Merging, number[]> = { highest: [5, 5, 9, 9, 9], lowest: [5, 3, 3, 3, 1], latest: [5, 3, 9, 9, 1], sum: [5, 8, 17, 26, 27] };
    for (const [merging, expected] of Object.entries(kept) as [Merging, number[]][]) {
      const scores: unknown[] = [];
      for (const value of submitted) scores.push(scoreOf(await submit(ann, merging, value)));
      assert.deepEqual(scores, expected, merging);
    }
    assert.deepEqual((await rowsOf(ann)).map(({ value }) => value), ['9', '1', '27', '1']);
  });

  it('[LB1] reach from -(2^53 - 1) to 2^53 - 1, and a sum stops there', async () => {
    assert.equal(scoreOf(await submit(ann, 'latest', -QUANTITY_MAX)), -QUANTITY_MAX);
    assert.equal(scoreOf(await submit(ann, 'latest', QUANTITY_MAX)), QUANTITY_MAX);
    assert.equal(scoreOf(await submit(ann, 'sum', QUANTITY_MAX - 1)), QUANTITY_MAX - 1);
    assert.equal(scoreOf(await submit(ann, 'sum', QUANTITY_MAX)), QUANTITY_MAX);
  });

  it('[LB4] that are submitted together are recorded together, also many of one player', async () => {
    const players = await cluster.newPlayers(40);
    const outcomes = await Promise.all(players.flatMap((player, at) => [1, 2, 3].map((value) => submit(player, at % 2 === 0 ? 'sum' : 'highest', value))));
    assert.ok(outcomes.every(({ status }) => status === 'recorded'));
    for (const [at, player] of players.entries()) assert.deepEqual((await rowsOf(player)).map(({ value }) => value), [at % 2 === 0 ? '6' : '3']);
  });

  it('[LB4] change with a version that rises by one, and what is no better changes nothing', async () => {
    const changes: (ScoreChange | undefined)[] = [];
    for (const value of [5, 4, 6]) {
      const outcome = await submit(ann, 'highest', value);
      assert.ok(outcome.status === 'recorded');
      changes.push(outcome.change);
    }
    const change = { player: ann, board: 'arena', season: 1, region: 'eu' };
    assert.deepEqual(changes, [{ ...change, value: 5, version: 1 }, undefined, { ...change, value: 6, version: 2 }]);
  });

  // Guards the command's row beside the score, and the one on the id's own slot.
  it('[LB3] act once by their command, over all shards: the same answers the same, and another is refused', async () => {
    const id = newCommandId();
    assert.equal(scoreOf(await submit(ann, 'sum', 5, id)), 5);
    await submit(ann, 'sum', 7);
    assert.equal(scoreOf(await submit(ann, 'sum', 5, id)), 5, 'as it was answered then');
    assert.equal(scoreOf(await submit(ann, 'sum', 6, id)), 'reused');
    const others = await cluster.playersOn(0, 1, 2, 3);
    for (const other of others) assert.equal(scoreOf(await submit(other, 'sum', 5, id)), 'reused');
    assert.deepEqual((await rowsOf(ann)).map(({ value }) => value), ['12']);
    for (const other of others) assert.deepEqual(await rowsOf(other), []);
  });

  // Guards the second way to claim ids, for what is not new: the first fails for all of a commit.
  it('[LB3] in one commit are new, repeated and refused side by side, each with its own answer', async () => {
    const [old, first] = [newCommandId(), newCommandId()];
    assert.equal(scoreOf(await submit(ann, 'sum', 5, old)), 5);
    const lane = cluster.placeOf(first);
    const idThere = () => {
      for (;;) {
        const id = newCommandId();
        if (cluster.placeOf(id) === lane) return id;
      }
    };
    const known = idThere();
    assert.equal(scoreOf(await submit(ann, 'sum', 3, known)), 8);
    // The first goes alone; what comes while it is under way goes together.
    const asked = [submit(ann, 'latest', 1, first), submit(ann, 'sum', 2, idThere()), submit(ann, 'sum', 3, known), submit(ann, 'sum', 4, known), submit(ann, 'latest', 7, idThere())];
    assert.deepEqual((await Promise.all(asked)).map(scoreOf), [1, 10, 8, 'reused', 7]);
    assert.deepEqual((await rowsOf(ann)).map(({ board, value }) => [board, value]), [['trades', '10'], ['wealth', '7']]);
  });

  it('[LB3] counts once although its id is claimed by one process and recorded through another', async () => {
    await recordedElsewhere(openStorage);
  });
  it('[LB3] counts twice when the process is "ids-taken-for-new" and "scores-forget-commands"', () =>
    withMutant(['ids-taken-for-new', 'scores-forget-commands'], async (root) => {
      const { openStorage: mutant } = (await import(path.join(root, 'persistence/index.ts'))) as { openStorage: typeof openStorage };
      await assertGoesRed(recordedElsewhere(mutant), /once/);
    }));

  /** The same command through two processes, of which the second cannot know that the first recorded it. */
  async function recordedElsewhere(openStorageOf: typeof openStorage): Promise<void> {
    const id = newCommandId();
    const options = { reach: () => undefined, onUnfinished: () => undefined };
    // Connections of its own: on one, a statement's name stands for one text.
    const shards = await openShards(cluster.urls, 2);
    try {
      for (const storage of [await openStorageOf(shards, options), await openStorageOf(shards, options)]) {
        const outcome = await storage.scores.record({ id, hash: Buffer.from('asked'), board: 'trades', merging: 'sum', player: ann, value: 5 });
        assert.equal(scoreOf(outcome), 5, 'it counts once');
      }
    } finally {
      await closeShards(shards);
    }
  }

  // Guards the question that goes along with the commit: behind it nobody asks.
  it('[PL1] are not written by a process whose lease was fenced', async () => {
    const fenced = await openStorage(cluster.shards, { reach: () => undefined, onUnfinished: () => undefined });
    await cluster.storage.fence(fenced.lease.id);
    const recorded = fenced.scores.record({ id: newCommandId(), hash: Buffer.from('asked'), board: 'trades', merging: 'sum', player: ann, value: 5 });
    await assert.rejects(recorded, (error) => error instanceof Refusal && error.code === 'BUSY');
    assert.deepEqual(await rowsOf(ann), []);
  });

  it('[LB3] 20 at once under one id are one, and no grant acts under it', async () => {
    const id = newCommandId();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => submit(ann, 'sum', 5, id)));
    assert.deepEqual([...new Set(outcomes.map(scoreOf))], [5]);
    assert.deepEqual((await rowsOf(ann)).map(({ value }) => value), ['5']);
    const grant = await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 1, giver: null, receiver: ann }], { commands: [command({ id })] }));
    assert.equal(grant.status, 'known');
    const minted = newCommandId();
    committed(await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 1, giver: null, receiver: ann }], { commands: [command({ id: minted })] })));
    assert.equal(scoreOf(await submit(ann, 'sum', 5, minted)), 'reused');
  });

  it('[LB3] of nobody, or of a board without a season, leave their id unused', async () => {
    const id = newCommandId();
    assert.equal(scoreOf(await submit(randomUUID() as PlayerId, 'sum', 5, id)), 'unknown-player');
    assert.equal(scoreOf(await cluster.storage.scores.record({ id, hash: Buffer.from('x'), board: 'nowhere', merging: 'sum', player: ann, value: 1 })), 'no-season');
    assert.equal(scoreOf(await submit(ann, 'sum', 6, id)), 6);
  });

  describe('that the game counts', () => {
    const trade = async (one: PlayerId, other: PlayerId, reason = 'trade') =>
      committed(await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 1, giver: one, receiver: other }], { reason })));
    const gather = async (player: PlayerId, quantity: number) =>
      committed(await settleOne(cluster.storage, movement([{ asset: 'ore', quantity, giver: null, receiver: player }], { reason: 'gather', experience: { player, xp: 1 } })));
    const counted = async (source: 'trades' | 'gathered' | 'wealth', board: string, ...players: PlayerId[]) =>
      (await cluster.storage.scores.count(source, board, players)).map(({ player, season, value, version }) => [players.indexOf(player), season, value, version]).toSorted();

    it('[LB7] are in the scores once, however often and by however many they are brought there', async () => {
      const [bob, cat] = (await cluster.playersOn(0, 1)) as [PlayerId, PlayerId];
      for (const player of [bob, cat]) await cluster.mint(player, 100);
      for (let n = 0; n < 3; n++) await trade(bob, cat);
      await trade(bob, cat, 'guild');
      assert.deepEqual(await counted('trades', 'trades', bob, cat), [[0, 1, 3, 1], [1, 1, 3, 1]]);
      assert.deepEqual(await counted('trades', 'trades', bob, cat), []);
      await trade(cat, bob);
      const both = await Promise.all(Array.from({ length: 6 }, () => counted('trades', 'trades', bob, cat)));
      assert.deepEqual(both.flat().toSorted(), [[0, 1, 4, 2], [1, 1, 4, 2]]);
      assert.deepEqual(await redInvariants(cluster.storage), []);
    });

    it('[LB7] add to what the service submitted', async () => {
      await cluster.storage.seasons.ensure(['gathered']);
      await gather(ann, 4);
      await cluster.storage.scores.record({ id: newCommandId(), hash: Buffer.from('x'), board: 'gathered', merging: 'sum', player: ann, value: 10 });
      assert.deepEqual(await counted('gathered', 'gathered', ann), [[0, 1, 14, 2]]);
      await gather(ann, 2);
      assert.deepEqual(await counted('gathered', 'gathered', ann), [[0, 1, 16, 3]]);
      assert.deepEqual(await redInvariants(cluster.storage), []);
    });

    it('[LB7] as wealth are what one has, up and down', async () => {
      await cluster.mint(ann, 70);
      assert.deepEqual(await counted('wealth', 'wealth', ann), [[0, 1, 70, 1]]);
      committed(await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 30, giver: ann, receiver: null }])));
      assert.deepEqual(await counted('wealth', 'wealth', ann), [[0, 1, 40, 2]]);
      assert.deepEqual(await counted('wealth', 'wealth', ann), []);
    });
  });
});

describe('seasons', () => {
  let cluster: TestCluster;
  before(async () => void (cluster = await startCluster({ databases: 3 })));
  after(() => cluster.stop());

  const ALL = { isLower: false, regionOf: (home: string) => home };
  const submit = async (board: string, player: PlayerId, value: number): Promise<number> => {
    const outcome = await cluster.storage.scores.record({ id: newCommandId(), hash: Buffer.from('x'), board, merging: 'sum', player, value });
    if (outcome.status !== 'recorded') throw new Error(outcome.status);
    return outcome.season;
  };
  const end = (board: string, number: number) => cluster.storage.seasons.schedule(board, number, Date.now() - 1_000);
  const openOn = (shard: number, board: string) => cluster.sql<{ number: number }>(shard, 'select number from season where board = $1 and closed_at is null', [board]);

  it('[LB8] are closed by one of any who try, when they are over by the first shard’s clock, and not before', async () => {
    const { seasons } = cluster.storage;
    await seasons.ensure(['one']);
    assert.equal(await seasons.close('one', 1, null), false, 'it has no end');
    await seasons.schedule('one', 1, Date.now() + 60_000);
    assert.equal(await seasons.close('one', 1, null), false, 'it is not over');
    await end('one', 1);
    const closed = await Promise.all(Array.from({ length: 10 }, () => seasons.close('one', 1, null)));
    assert.equal(closed.filter(Boolean).length, 1);
    for (const shard of [0, 1, 2]) assert.deepEqual(await openOn(shard, 'one'), [{ number: 2 }]);
    assert.deepEqual((await seasons.read()).unarchived, [{ board: 'one', number: 1 }]);
  });

  // Guards the lock that a writer shares and who closes has alone.
  it('[LB8] dupe 29: each score that races the close is in exactly one of both, and is answered as of that one', async () => {
    const { seasons } = cluster.storage;
    await seasons.ensure(['raced']);
    const players = await cluster.newPlayers(30);
    const answered = new Map<string, number>();
    let going = true;
    const traffic = players.map(async (player) => {
      for (let n = 0; going || n < 3; n++) {
        const key = `${await submit('raced', player, 1)} ${player}`;
        answered.set(key, (answered.get(key) ?? 0) + 1);
      }
    });
    for (let number = 1; number <= 4; number++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await end('raced', number);
      assert.equal(await seasons.close('raced', number, null), true);
      assert.equal(typeof (await seasons.archive('raced', number, ALL)), 'number');
    }
    going = false;
    await Promise.all(traffic);
    const rows = await Promise.all([0, 1, 2].map((shard) => cluster.sql<{ season: number; player: string; value: string }>(shard, `select season, player, value from score where board = 'raced' union all select season, player, value from score_result where board = 'raced'`)));
    assert.deepEqual(new Map(rows.flat().map(({ season, player, value }) => [`${season} ${player}`, Number(value)])), answered);
    assert.equal(rows.flat().length, answered.size);
  });

  it('[LB8] are written down with their final places, equal scores sharing one, in all and in each region', async () => {
    const { seasons } = cluster.storage;
    await seasons.ensure(['final']);
    const players = await cluster.newPlayers(60);
    for (const [at, player] of players.entries()) await cluster.sql(cluster.placeOf(player), 'update player set region = $2 where id = $1', [player, ['eu', 'us', 'mars'][at % 3]]);
    const scores = new Map<PlayerId, number>();
    for (const [at, player] of players.entries()) {
      scores.set(player, at % 7);
      await submit('final', player, at % 7);
    }
    await end('final', 1);
    await seasons.close('final', 1, null);
    const regionOf = (home: string) => (home === 'mars' ? 'eu' : home);
    assert.equal(await seasons.archive('final', 1, { isLower: false, regionOf }), 60);
    const places = await seasons.places('final', 1, undefined, 100);
    assert.equal(places.length, 60);
    for (const { player, value, rank, region, regionRank } of places) {
      assert.equal(value, scores.get(player));
      assert.equal(rank, 1 + [...scores.values()].filter((other) => other > value).length);
      assert.equal(region, regionOf(['eu', 'us', 'mars'][players.indexOf(player) % 3] ?? ''));
      assert.equal(regionRank, 1 + places.filter((other) => other.region === region && other.value > value).length);
    }
    assert.deepEqual((await seasons.places('final', 1, 'us', 5)).map(({ regionRank }) => regionRank), [1, 1, 1, 4, 4]);
    for (const shard of [0, 1, 2]) assert.deepEqual(await cluster.sql(shard, `select from score where board = 'final' and season = 1`), []);
    assert.deepEqual((await seasons.closed('final')).map(({ number, players: count }) => [number, count]), [[1, 60]]);
    const [first] = places;
    assert.deepEqual(await cluster.storage.scores.find(first!.player, 'final', 1), { region: first!.region, score: first!.value, rank: 1, regionRank: 1 });
  });

  // Guards that places are written before scores are forgotten, and that both may run again.
  it('[LB8] that were interrupted while they were written down are written down as they are', async () => {
    const { seasons } = cluster.storage;
    await seasons.ensure(['torn']);
    const players = await cluster.newPlayers(30);
    for (const [at, player] of players.entries()) await submit('torn', player, at);
    await end('torn', 1);
    await seasons.close('torn', 1, null);
    assert.equal(await seasons.archive('torn', 1, ALL), 30);
    const before = await seasons.places('torn', 1, undefined, 100);
    // As after the places, and half of the forgetting: some scores are there still, and it is not marked.
    await cluster.sql(0, `update season set archived_at = null, players = null where board = 'torn' and number = 1`);
    for (const { player, region, value } of before.filter((_, at) => at % 2 === 0)) {
      await cluster.sql(cluster.placeOf(player), `insert into score (player, board, season, region, value) values ($1, 'torn', 1, $2, $3)`, [player, region, value]);
    }
    assert.equal(await seasons.archive('torn', 1, ALL), 30);
    assert.deepEqual(await seasons.places('torn', 1, undefined, 100), before);
  });

  it('[LB7] what the game counts is in the season in which it is brought there, and in no other again', async () => {
    const { seasons, scores } = cluster.storage;
    await seasons.ensure(['monthly']);
    const [ann, bob] = (await cluster.newPlayers(2)) as [PlayerId, PlayerId];
    await cluster.mint(ann, 100);
    const values: unknown[] = [];
    for (let season = 1; season <= 3; season++) {
      for (let n = 0; n < season; n++) committed(await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 1, giver: ann, receiver: bob }], { reason: 'trade' })));
      values.push(...(await scores.count('trades', 'monthly', [ann])).map((change) => [change.season, change.value]));
      await end('monthly', season);
      await seasons.close('monthly', season, null);
      // The base of the next one is found in the scores, and in the places.
      if (season !== 1) await seasons.archive('monthly', season, ALL);
    }
    assert.deepEqual(values, [[1, 1], [2, 2], [3, 3]]);
    await cluster.storage.scores.record({ id: newCommandId(), hash: Buffer.from('x'), board: 'monthly', merging: 'sum', player: ann, value: 50 });
    assert.deepEqual(await scores.count('trades', 'monthly', [ann]), [], 'nothing was done since');
    assert.deepEqual(await redInvariants(cluster.storage), []);
  });

  it('[LB8] a shard that missed the close is told before anything is written down', async () => {
    const { seasons } = cluster.storage;
    await seasons.ensure(['late']);
    const [player] = (await cluster.playersOn(2)) as [PlayerId];
    await submit('late', player, 5);
    await end('late', 1);
    await cluster.sql(0, `update season set closed_at = now() where board = 'late'`);
    await cluster.sql(0, `insert into season (board, number) values ('late', 2)`);
    assert.equal(await submit('late', player, 7), 1, 'as its shard knows');
    assert.equal(await seasons.archive('late', 1, ALL), 1);
    assert.deepEqual((await seasons.places('late', 1, undefined, 10)).map(({ value }) => value), [12]);
    assert.equal(await submit('late', player, 1), 2);
  });
});
