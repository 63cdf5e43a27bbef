import assert from 'node:assert/strict';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { joinOn, PLUGS, prepareDeal, settleTogether, type Deal } from '../kit/one-commit.ts';
import { assertSoon } from '../kit/patience.ts';
import { joinPlayer, newClient, service, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { outcomeOf } from '../kit/trade.ts';

const RINGS = 4;
const ROUNDS = 4;
const GOLD = 20;
/** Of a round: sixteen trades at once, which take some fifty milliseconds. Who waits for a lock in vain waits for 2 s. */
const ROUND_MAX_MS = 1_500;

/** Two processes on the same databases: nothing but the databases knows what both of them lock. */
interface Pair {
  first: TestServer;
  second: TestServer;
}

/** A, B and C on three shards. B's session is in the second process, the others' in the first. */
type Ring = [TestPlayer, TestPlayer, TestPlayer];

const from = (player: TestPlayer, server: TestServer): TestPlayer => ({ ...player, client: newClient(server.url, player.token) });
const giveGold = (giver: TestPlayer, taker: TestPlayer) => prepareDeal(giver, taker, { fungibles: { gold: 1 } }, {});

async function joinRing({ first, second }: Pair): Promise<Ring> {
  const [a, b, c] = (await joinOn(first, [0, 1, 2])) as Ring;
  await b.leave();
  const client = newClient(second.url, b.token);
  return [a, { ...b, client, ...(await joinPlayer(client)) }, c];
}

/** What a ring trades in either process: A and B opposite ways, and with C around the ring. */
const aToB = ([a, b]: Ring, { first }: Pair) => giveGold(a, from(b, first));
const bToA = ([a, b]: Ring, { second }: Pair) => giveGold(b, from(a, second));
const bToC = ([, b, c]: Ring, { second }: Pair) => giveGold(b, from(c, second));
const cToA = ([a, , c]: Ring) => giveGold(c, a);

/**
 * 28: first as it is worst: each process has one commit over all the rings, both want the rows of the others, and a row
 * in the midst of them is locked until both wait. Then everything at once, as it falls. All settles, and no statement
 * loses a race for a lock.
 */
async function opposed(pair: Pair, host: ShardHost, shards: string): Promise<void> {
  const [lost, deadlocks] = [host.lostRaces(), await host.count('deadlocks')];
  const assertNoneLost = () => assert.deepEqual(host.lostRaces(), lost, 'lost races: those by now, and those before');
  const rings = await Promise.all(Array.from({ length: RINGS }, () => joinRing(pair)));
  const couples = (await Promise.all([pair.first, pair.second].map((server) => joinOn(server, Array.from({ length: PLUGS }, () => [0, 1]).flat())))).flat();
  for (const { id } of [...rings.flat(), ...couples]) await service(pair.first).grant(id, { fungibles: { gold: GOLD } });
  const all: Deal[] = [];
  const note = (deals: Deal[]) => {
    all.push(...deals);
    return deals;
  };

  const plugs = note(await Promise.all(couples.flatMap((giver, at) => (at % 2 === 0 ? [giveGold(giver, couples[at + 1]!)] : []))));
  const [last, ...others] = rings as [Ring, ...Ring[]];
  const worst = note(await Promise.all([...others.flatMap((ring) => [aToB(ring, pair), bToA(ring, pair)]), bToC(last, pair), cToA(last)]));
  const holder = others.map(([a]) => a.id).toSorted()[1]!;
  const settled = await settleTogether(shards, plugs, worst, { holder, until: async () => (await host.count('waiting')) >= 2 });
  assertNoneLost();
  assert.deepEqual(settled, { plugs: plugs.map(() => 'settled'), deals: worst.map(() => 'settled') });

  for (let round = 0; round < ROUNDS; round++) {
    const deals = note(await Promise.all(rings.flatMap((ring) => [aToB(ring, pair), bToA(ring, pair), bToC(ring, pair), cToA(ring)])));
    const began = performance.now();
    const outcomes = await Promise.all(deals.map(({ table, revision, ids }) => outcomeOf(table.second.request('trade:accept', { commandId: ids[1], revision }))));
    const tookMs = performance.now() - began;
    assertNoneLost();
    assert.deepEqual(outcomes, deals.map(() => 'settled'));
    assertSoon(tookMs, ROUND_MAX_MS, 'a round');
    await Promise.all(deals.map(({ table }) => Promise.all([table.first.leave(), table.second.leave()])));
  }
  for (const { id } of [...rings.flat(), ...couples]) {
    const [given, got] = [all.filter(({ first }) => first.id === id).length, all.filter(({ second }) => second.id === id).length];
    await assertHolds(pair.first, { id }, { fungibles: { gold: GOLD - given + got } });
  }
  assert.deepEqual([await host.count('deadlocks'), await host.count('prepared')], [deadlocks, 0]);
  await assertAuditGreen(pair.second);
}

describe('dupes: crossing trades', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  let first: TestServer;
  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    first = await startServer({ dataDir: folder, env: { SHARD_URLS: shards } });
  });
  after(async () => {
    await first?.stop();
    await host?.stop();
    remove();
  });

  async function withSecond(work: (pair: Pair) => Promise<void>, root?: string): Promise<void> {
    const second = await startServer({ dataDir: folder, env: { SHARD_URLS: shards }, ...(root !== undefined && { root }) });
    try {
      await work({ first, second });
    } finally {
      await second.stop();
    }
  }

  it(`[LD2] dupe 28: A to B, B to A, and A to B to C to A, at once in two processes, ${1 + ROUNDS} times`, () => withSecond((pair) => opposed(pair, host, shards)));

  const controls: [MutationName, RegExp][] = [
    ['shards-backwards', /lost races/],
    ['rows-backwards', /lost races/],
  ];
  for (const [mutation, symptom] of controls) {
    it(`dupe 28 goes red when the second process is "${mutation}" (${symptom.source})`, async () => {
      await withMutant(mutation, (root) => withSecond((pair) => assertGoesRed(opposed(pair, host, shards), symptom), root));
    });
  }
});
