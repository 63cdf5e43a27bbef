import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Movement } from '../../persistence/movement.ts';
import { OPERATOR_ACTOR, SERVICE_ACTOR, type CommandRecord } from '../../persistence/posting.ts';
import type * as Moves from '../../persistence/reshard/move.ts';
import { slotOf } from '../../persistence/slots.ts';
import type { Storage } from '../../persistence/storage.ts';
import type * as Storages from '../../persistence/storage.ts';
import type * as Transacts from '../../persistence/transact.ts';
import type { CommandId, ItemId, PlayerId } from '../../schema/ids.ts';
import { command, movement, redInvariants, settleOne, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SHARDS = 3;
const START = 1_000;
const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });

/** Two processes, each with a map of its own, and somebody who moves slots; of whatever sources. */
interface Scene {
  cluster: TestCluster;
  storages: readonly [Storage, Storage];
  move(slots: readonly number[], target: number): Promise<Moves.MoveReport>;
}

async function onStage(work: (scene: Scene) => Promise<void>, root = ROOT): Promise<void> {
  const { slotMover } = (await import(`${root}/persistence/reshard/move.ts`)) as typeof Moves;
  const { openStorage } = (await import(`${root}/persistence/storage.ts`)) as typeof Storages;
  const { transactor } = (await import(`${root}/persistence/transact.ts`)) as typeof Transacts;
  const cluster = await startCluster({ databases: SHARDS });
  try {
    const options = { reach: () => undefined, onUnfinished: (error: unknown) => assert.fail(String(error)) };
    const storages = [await openStorage(cluster.shards, options), await openStorage(cluster.shards, options)] as const;
    const mover = slotMover({ shards: cluster.shards, transactOn: transactor({ shards: cluster.shards, ...options }), reach: options.reach });
    await work({ cluster, storages, move: async (slots, target) => await mover.move(slots.map((slot) => ({ slot, target }))) });
    const red = await redInvariants(storages[0]);
    assert.deepEqual(red, [], `the audit is red: ${red.join()}`);
  } finally {
    await cluster.stop();
  }
}

/** Everything of a player goes along, whoever its partners are, and nothing stays behind. */
async function carriesOver({ cluster, storages: [storage, other], move }: Scene): Promise<void> {
  const [ann, bob, cat] = (await cluster.playersOn(0, 0, 1)) as [PlayerId, PlayerId, PlayerId];
  await cluster.mint(ann, 100);
  const sword: ItemId = await cluster.mintItem(ann, { attributes: { edge: 9007199254740991, name: 'Ærø "\\' } });
  for (const partner of [bob, cat]) assert.equal(verdictOf(await settleOne(storage, movement([pay(ann, partner, 10)]))), 'committed');
  const before = (await storage.holdings.players([ann])).get(ann);
  const history = await storage.itemHistory(sword);
  const { moved } = await move([slotOf(ann)], 2);
  assert.equal(moved, 1);
  assert.deepEqual((await storage.holdings.players([ann])).get(ann), { ...before, shard: 2 }, 'who moved is not found as before');
  assert.deepEqual(await storage.itemHistory(sword), history);
  const left = await cluster.sql(0, `select 'item' from item where holder = '${ann}' union all select 'balance' from balance where holder = '${ann}' union all select 'command' from command where actor = '${ann}'`);
  assert.deepEqual(left, [], 'something is left behind');
  // The other process reads and writes by its old map first.
  assert.deepEqual((await other.holdings.holdings([ann])).get(ann)?.fungibles, { gold: 80 }, 'who moved is not found');
  assert.equal(verdictOf(await settleOne(other, movement([pay(ann, bob, 5)]))), 'committed');
}

/** A command of the service lives on its own slot, without a holder: only the map's version says that the slot is elsewhere. */
async function grantsOnce({ cluster, storages: [first, second], move }: Scene): Promise<void> {
  const [ann] = (await cluster.playersOn(1)) as [PlayerId];
  let id = randomUUID() as CommandId;
  while (slotOf(id) > 300) id = randomUUID() as CommandId;
  const grant: Movement = { reason: 'grant', postings: [pay(null, ann, 7)], commands: [{ actor: SERVICE_ACTOR, id, hash: Buffer.alloc(32), answer: () => ({ done: true }) }] };
  await move([slotOf(id)], 2);
  // One looks at the map in between; the other has its old one.
  await second.resolveInDoubt();
  assert.equal((await first.settle([grant]))[0]?.status, 'committed');
  assert.equal((await second.settle([grant]))[0]?.status, 'known', 'it acted twice');
  assert.deepEqual((await first.holdings.holdings([ann])).get(ann)?.fungibles, { gold: 7 });
}

/** Scores are committed with the question whether the map holds, and nothing of theirs locks a holder: only that question says that a slot is elsewhere. */
async function scoresOnce({ cluster, storages: [first, second], move }: Scene): Promise<void> {
  const [ann, bob] = (await cluster.playersOn(1, 1)) as [PlayerId, PlayerId];
  await first.seasons.ensure(['trades']);
  let id = randomUUID() as CommandId;
  while (slotOf(id) > 300) id = randomUUID() as CommandId;
  const submit = (storage: Storage, player: PlayerId) => storage.scores.record({ id, hash: Buffer.from(player), board: 'trades', merging: 'sum', player, value: 5 });
  await move([slotOf(ann), slotOf(id)], 2);
  const outcome = await submit(second, ann);
  assert.equal(outcome.status, 'recorded');
  assert.deepEqual(await cluster.sql(1, 'select 1 from score where player = $1', [ann]), [], 'a score is where its player was');
  assert.equal((await submit(first, bob)).status, 'reused', 'the id acted twice');
  const again = await submit(first, ann);
  assert.deepEqual([again.status, again.status === 'recorded' && again.score], ['recorded', 5], 'it counted twice');
}

/** A shard that was added after trading was paused knows it with the first slot that comes; what support did goes along. */
async function keepsSupport({ cluster, storages: [storage, other], move }: Scene): Promise<void> {
  const [ann, bob] = (await cluster.playersOn(0, 0)) as [PlayerId, PlayerId];
  for (const player of [ann, bob]) await cluster.mint(player, 100);
  const deed = (action: string, target: string): CommandRecord => ({ actor: OPERATOR_ACTOR, id: randomUUID() as CommandId, hash: Buffer.alloc(32), answer: () => ({ action, target, reason: 'a test' }) });
  const [freezing, pausing] = [deed('freeze', bob), deed('pause', 'gold')];
  await storage.support.freeze(bob, true, freezing);
  await storage.support.setPause('gold', true, 'a test', pausing);
  await cluster.sql(2, 'delete from pause');
  // With its command there too, no other shard is asked.
  const paid = async () => {
    let id = randomUUID() as CommandId;
    while (cluster.placeOf(id) !== 2) id = randomUUID() as CommandId;
    return verdictOf(await settleOne(other, movement([pay(ann, bob, 5)], { commands: [command({ id })] })));
  };
  const entries = await storage.support.entries(undefined, 10);
  assert.equal(entries.length, 2);
  await move([ann, bob, freezing.id, pausing.id].map(slotOf), 2);
  assert.deepEqual(await other.support.entries(undefined, 10), entries, 'what support did is lost');
  assert.equal(await paid(), 'ACCOUNT_FROZEN', 'who was frozen moves value');
  await other.support.freeze(bob, false, deed('unfreeze', bob));
  assert.equal(await paid(), 'TRADING_PAUSED', 'what is paused moves');
  await other.support.setPause('gold', false, 'a test', deed('resume', 'gold'));
  assert.equal(await paid(), 'committed');
}

/** Slots go round while two processes move value between their players as fast as they can. */
async function playsOn({ cluster, storages, move }: Scene): Promise<void> {
  const players = await cluster.newPlayers(60);
  for (const player of players) await cluster.mint(player, START);
  const swords = await Promise.all(players.map((player) => cluster.mintItem(player)));
  const slots = [...new Set(players.map(slotOf))];
  let going = true;
  let settled = 0;
  const refused: string[] = [];
  const trader = async (storage: Storage, seed: number) => {
    for (let at = seed; going; at += 7) {
      const [giver, receiver] = [players[at % players.length] as PlayerId, players[(at * 31 + 11) % players.length] as PlayerId];
      if (giver === receiver) continue;
      const verdict = verdictOf(await settleOne(storage, movement([pay(giver, receiver, 1)])));
      if (verdict === 'committed') settled++;
      else refused.push(verdict);
    }
  };
  const traders = [0, 1, 2, 3, 4, 5].map((seed) => trader(storages[seed % 2] as Storage, seed));
  try {
    for (const target of [0, 1, 2, 0]) {
      await move(slots, target);
      await delay(50);
    }
  } finally {
    going = false;
    await Promise.allSettled(traders);
  }
  await Promise.all(traders);
  assert.deepEqual(refused, [], `refused: ${refused.join()}`);
  assert.ok(settled > 100, `${settled} settled`);
  const records = await storages[1].holdings.players(players);
  assert.deepEqual([...new Set(players.map((player) => records.get(player)?.shard))], [0]);
  assert.equal(players.reduce((sum, player) => sum + (records.get(player)?.fungibles['gold'] ?? 0), 0), players.length * START, 'gold was lost');
  assert.deepEqual(players.flatMap((player) => records.get(player)?.items.map(({ id }) => id) ?? []).toSorted(), swords.toSorted());
}

describe('moving slots', () => {
  it('[SH6] carries over everything that a player has, and whoever has an old map finds it', () => onStage(carriesOver));
  it('[OP2] [OP3] carries over who is frozen, what is paused, and the entries of both', () => onStage(keepsSupport));
  it('[SH3] a command of the service acts once, though two processes disagree where its slot is', () => onStage(grantsOnce));
  it('[SH3] [LB3] a score counts once and where its player is, though a process has an old map', () => onStage(scoresOnce));
  it('[SH6] dupe 10: goes on under traffic: nobody is refused, nothing is lost, and all is where the map says', () => onStage(playsOn));

  const controls: { mutation: MutationName; scenario: (scene: Scene) => Promise<void>; symptom: RegExp }[] = [
    { mutation: 'map-believed', scenario: grantsOnce, symptom: /it acted twice|audit is red/ },
    { mutation: 'map-believed-along', scenario: scoresOnce, symptom: /unknown-player|where its player was|acted twice/ },
    { mutation: 'missing-believed', scenario: carriesOver, symptom: /who moved is not found/ },
    { mutation: 'pauses-left-behind', scenario: keepsSupport, symptom: /what is paused moves/ },
    { mutation: 'leaves-copies', scenario: carriesOver, symptom: /something is left behind/ },
    { mutation: 'flips-unfenced', scenario: playsOn, symptom: /audit is red|gold was lost|refused|differs|goes|deadlock|aborted/ },
    { mutation: 'flips-without-catching-up', scenario: playsOn, symptom: /audit is red|differs/ },
  ];
  for (const { mutation, scenario, symptom } of controls) {
    it(`dupe 10 goes red when it is "${mutation}"`, async () => {
      await withMutant(mutation, async (root) => await assertGoesRed(onStage(scenario, root), symptom));
    });
  }
});
