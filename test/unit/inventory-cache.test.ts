import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryBus, type HoldingsReader } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { HolderId, PlayerId } from '../../schema/ids.ts';
import type { InventoryDelta } from '../../schema/inventory-delta.ts';
import { Refusal } from '../../schema/refusals.ts';
import { Inventory, InventoryCache } from '../../server/inventory/index.ts';

const [ANN, BOB, NOBODY] = ['ann', 'bob', 'nobody'] as [PlayerId, PlayerId, PlayerId];
const delta = (version: number, holderId: HolderId = ANN): InventoryDelta => ({ holderId, version, set: { fungibles: { gold: version }, items: [] }, removed: { fungibles: [], items: [] } });

/** A database of which a test says when it answers; each holder's gold equals its version. */
class Truth {
  readonly versions = new Map<HolderId, number>([[ANN, 1], [BOB, 1]]);
  readonly queries: HolderId[][] = [];
  #gate: Promise<void> | undefined;

  /** Answers from now on are of what is true now, but arrive only when they are let through by what this returns. */
  hold(): () => void {
    let open = () => undefined as void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    this.#gate = gate;
    return () => {
      if (this.#gate === gate) this.#gate = undefined;
      open();
    };
  }
  readonly load = async (holders: readonly HolderId[]): Promise<Map<HolderId, Holdings>> => {
    this.queries.push([...holders]);
    const found = holders.flatMap((holder) => {
      const version = this.versions.get(holder);
      return version === undefined ? [] : [[holder, { version, fungibles: { gold: version }, items: [] }] satisfies [HolderId, Holdings]];
    });
    await this.#gate;
    return new Map(found);
  };
  async asked(times: number): Promise<void> {
    while (this.queries.length < times) await delay(1);
  }
}

describe('the inventory cache', () => {
  let truth: Truth;
  let reads: string[];
  const open = (max = 100, ttlMs = 60_000) => new InventoryCache({ load: truth.load, max, ttlMs, onRead: (result) => reads.push(result) });
  beforeEach(() => {
    truth = new Truth();
    reads = [];
  });

  it('[IC1] asks nothing for what it has', async () => {
    const cache = open();
    await cache.get(ANN);
    for (let times = 0; times < 100; times++) assert.equal((await cache.get(ANN)).version, 1);
    assert.deepEqual(truth.queries, [[ANN]]);
    assert.deepEqual(reads, ['miss', ...Array.from({ length: 100 }, () => 'hit')]);
  });

  // Guards `#flights` (single flight) and `#batch` (one query per turn of the event loop).
  it('[IC1] asks once for a thousand who want one cold player, in one turn and over many', async () => {
    const cache = open();
    const letThrough = truth.hold();
    const first = Array.from({ length: 500 }, () => cache.get(ANN));
    await truth.asked(1);
    const second = Array.from({ length: 500 }, () => cache.get(ANN));
    letThrough();
    const found = await Promise.all([...first, ...second]);
    assert.ok(found.every(({ version }) => version === 1));
    assert.deepEqual(truth.queries, [[ANN]]);
  });

  it('[IC1] asks once for many cold players of one turn, and again for those of the next', async () => {
    const cache = open(2000);
    const many = Array.from({ length: 1000 }, (_, at) => `player-${at}` as PlayerId);
    for (const player of many) truth.versions.set(player, 1);
    await Promise.all(many.map((player) => cache.get(player)));
    assert.equal(truth.queries.length, 1);
    assert.deepEqual(truth.queries[0], many);
    await cache.get(ANN);
    assert.deepEqual(truth.queries[1], [ANN]);
  });

  it('[IC1] says who does not exist, keeps nothing of it, and asks again', async () => {
    const cache = open();
    const answers = await Promise.allSettled([cache.get(NOBODY), cache.get(ANN)]);
    assert.deepEqual(answers.map(({ status }) => status), ['rejected', 'fulfilled']);
    assert.ok((answers[0] as PromiseRejectedResult).reason instanceof Refusal);
    truth.versions.set(NOBODY, 1);
    assert.equal((await cache.get(NOBODY)).version, 1);
  });

  it('[IC1] keeps nothing of a query that failed, and asks again', async () => {
    let broken = true;
    const cache = new InventoryCache({ load: (holders) => (broken ? Promise.reject(new Error('away')) : truth.load(holders)), max: 10, ttlMs: 1000 });
    const answers = await Promise.allSettled([cache.get(ANN), cache.get(BOB)]);
    assert.deepEqual(answers.map(({ status }) => status), ['rejected', 'rejected']);
    broken = false;
    assert.equal((await cache.get(ANN)).version, 1);
  });

  it('[IC2] holds no more than its bound: the least recently read goes', async () => {
    const cache = open(2);
    truth.versions.set(NOBODY, 1);
    await cache.get(ANN);
    await cache.get(BOB);
    await cache.get(ANN);
    await cache.get(NOBODY);
    assert.equal(cache.size, 2);
    assert.deepEqual([cache.peek(ANN)?.version, cache.peek(BOB), cache.peek(NOBODY)?.version], [1, undefined, 1]);
  });

  it('[IC2] forgets after its time-to-live', async () => {
    const cache = open(10, 20);
    await cache.get(ANN);
    truth.versions.set(ANN, 2);
    await delay(40);
    assert.equal((await cache.get(ANN)).version, 2);
  });

  // Guards the comparison of flights in `land`: without it the old answer is kept for a whole time-to-live.
  it('[IC2] does not keep what was invalidated while it was loaded', async () => {
    const cache = open();
    const letThrough = truth.hold();
    const before = cache.get(ANN);
    await truth.asked(1);
    truth.versions.set(ANN, 2);
    cache.invalidate([ANN]);
    letThrough();
    assert.equal((await before).version, 1, 'asked before the change, answered as before the change');
    assert.equal(cache.peek(ANN), undefined);
    assert.equal((await cache.get(ANN)).version, 2);
  });

  it('[IC2] gives what is true to who asks after an invalidation, and keeps it when the older answer comes late', async () => {
    const cache = open();
    const letOldThrough = truth.hold();
    const before = cache.get(ANN);
    await truth.asked(1);
    truth.versions.set(ANN, 2);
    cache.invalidate([ANN]);
    const letNewThrough = truth.hold();
    const after = cache.get(ANN);
    await truth.asked(2);
    letNewThrough();
    assert.equal((await after).version, 2);
    letOldThrough();
    assert.equal((await before).version, 1);
    assert.equal((await cache.get(ANN)).version, 2);
  });

  // Guards `heard`: the delta met no entry, and the answer under way is older than it.
  it('[IC2] does not keep what is older than a delta that came while it was loaded', async () => {
    const cache = open();
    const letThrough = truth.hold();
    const before = cache.get(ANN);
    await truth.asked(1);
    truth.versions.set(ANN, 2);
    cache.apply(delta(2));
    letThrough();
    assert.equal((await before).version, 1, 'asked before the change, answered as before the change');
    assert.equal(cache.peek(ANN), undefined);
    assert.equal((await cache.get(ANN)).version, 2);
  });

  it('[DS2] follows deltas: the next is applied, an older dropped, after a gap it reads again', async () => {
    const cache = open();
    await cache.get(ANN);
    cache.apply(delta(2));
    assert.deepEqual(await cache.get(ANN), { version: 2, fungibles: { gold: 2 }, items: [] });
    cache.apply(delta(1));
    assert.equal(cache.peek(ANN)?.version, 2);
    cache.apply(delta(4));
    assert.equal(cache.peek(ANN), undefined);
    cache.apply(delta(5, BOB));
    assert.equal(cache.peek(BOB), undefined, 'nothing is made of a delta alone');
  });

  it('[DS6] reads past itself when told to, and keeps what it read', async () => {
    const cache = open();
    await cache.get(ANN);
    truth.versions.set(ANN, 7);
    assert.equal((await cache.reload(ANN)).version, 7);
    assert.equal((await cache.get(ANN)).version, 7);
    assert.equal(truth.queries.length, 2);
  });
});

describe('the inventory of a process', () => {
  // Guards what the subscription does with players who are not cached yet: another process's commit may come while they are loaded.
  it('[IC2] does not keep what another process made old, cached or being loaded', async () => {
    const truth = new Truth();
    const bus = memoryBus();
    const inventory = new Inventory({ reader: { holdings: truth.load } as unknown as HoldingsReader, bus, cacheMax: 10, cacheTtlMs: 60_000 });
    await inventory.get(BOB);
    const letThrough = truth.hold();
    const loading = inventory.get(ANN);
    await truth.asked(2);
    for (const player of [ANN, BOB]) truth.versions.set(player, 2);
    bus.publish('invalidated', 'all', [{ holder: ANN, version: 2 }, { holder: BOB, version: 2 }]);
    letThrough();
    await loading;
    assert.deepEqual([(await inventory.get(ANN)).version, (await inventory.get(BOB)).version], [2, 2]);
  });

  it('[IC1] keeps what its own commit changed, told once to each player and once to all', async () => {
    const truth = new Truth();
    const bus = memoryBus();
    const told: unknown[] = [];
    bus.subscribe('player', ANN, (event) => told.push(event));
    bus.subscribe('invalidated', 'all', (event) => told.push(event));
    const inventory = new Inventory({ reader: { holdings: truth.load } as unknown as HoldingsReader, bus, cacheMax: 10, cacheTtlMs: 60_000 });
    await inventory.get(ANN);
    inventory.publish([delta(2)]);
    assert.deepEqual(told, [{ type: 'delta', delta: delta(2) }, [{ holder: ANN, version: 2 }]]);
    assert.equal((await inventory.get(ANN)).version, 2);
    assert.equal(truth.queries.length, 1);
  });
});
