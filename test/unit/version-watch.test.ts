import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { HeldVersion } from '../../persistence/index.ts';
import type { ClientId, PlayerId } from '../../schema/ids.ts';
import { VersionWatch } from '../../server/inventory/index.ts';

const [ANN, BOB, EVE] = ['ann', 'bob', 'eve'] as [PlayerId, PlayerId, PlayerId];
const PHONE = 'phone' as ClientId;

describe('the version watch', () => {
  let truth: Map<string, HeldVersion>;
  let queries: (readonly string[])[];
  let heard: string[];
  let watch: VersionWatch;
  let gate: Promise<void>;

  const room = (playerId: PlayerId, version: number, epoch = 1) =>
    watch.add({ key: playerId, version: () => version, epoch, onBehind: (newest) => heard.push(`${playerId} behind ${newest}`), onDisplaced: (by) => heard.push(`${playerId} displaced by ${by}`) });

  beforeEach(() => {
    truth = new Map([[ANN, { version: 5, epoch: 1 }], [BOB, { version: 5, epoch: 1 }]]);
    queries = [];
    heard = [];
    gate = Promise.resolve();
    watch = new VersionWatch(async (players) => {
      queries.push(players);
      await gate;
      return truth;
    });
  });
  afterEach(() => watch.stop());

  it('[DS5] tells a room that it is behind, and one that is not nothing, in one query for all', async () => {
    room(ANN, 4);
    room(BOB, 5);
    room(EVE, 1);
    await watch.compare();
    assert.deepEqual(heard, ['ann behind 5']);
    assert.deepEqual(queries, [[ANN, BOB, EVE]]);
  });

  it('[DS5] leaves alone a room that is ahead of a query that was under way', async () => {
    room(ANN, 6);
    await watch.compare();
    assert.deepEqual(heard, []);
  });

  // Guards the time of the question: an answer from before a renaming must not take it back.
  it('[BU2] tells a room its profile, and when it asked for it', async () => {
    const profile = { name: 'Ann', level: 2, xp: 30, guildId: null };
    truth.set(ANN, { version: 5, epoch: 1, profile });
    const told: [unknown, number][] = [];
    watch.add({ key: ANN, version: () => 5, epoch: 1, onBehind: () => undefined, onDisplaced: () => undefined, onProfile: (said, askedAt) => told.push([said, askedAt]) });
    const before = performance.now();
    let open = () => undefined as void;
    gate = new Promise((resolve) => (open = resolve));
    const comparing = watch.compare();
    const asked = performance.now();
    await delay(5);
    open();
    await comparing;
    assert.equal(told.length, 1);
    assert.deepEqual(told[0]?.[0], profile);
    assert.ok((told[0]?.[1] ?? 0) >= before && (told[0]?.[1] ?? Infinity) <= asked, 'the time of the question, not of the answer');
  });

  it('[SE1] tells a room whose session was taken, whatever its version', async () => {
    truth.set(ANN, { version: 9, epoch: 2, client: PHONE });
    room(ANN, 4);
    await watch.compare();
    assert.deepEqual(heard, ['ann displaced by phone']);
  });

  it('[DS5] asks nothing while nobody watches, nor for who stopped', async () => {
    await watch.compare();
    const leave = room(ANN, 4);
    leave();
    await watch.compare();
    assert.deepEqual([queries, heard], [[], []]);
  });

  // Guards the second look at `#watched`: a room that was left meanwhile is no more.
  it('[DS5] tells nothing to a room that was left while it asked', async () => {
    const leave = room(ANN, 4);
    let open = () => undefined as void;
    gate = new Promise((resolve) => (open = resolve));
    const compared = watch.compare();
    leave();
    open();
    await compared;
    assert.deepEqual(heard, []);
  });

  it('[DS5] looks once per interval, goes on after a failure, and ends when stopped', async () => {
    let failures = 0;
    let failing = true;
    const watching = new VersionWatch(() => (failing ? Promise.reject(new Error('away')) : Promise.resolve(truth)));
    watching.add({ key: ANN, version: () => 4, epoch: 1, onBehind: (newest) => heard.push(`behind ${newest}`), onDisplaced: () => undefined });
    watching.start(5, () => failures++);
    while (failures < 2) await delay(2);
    failing = false;
    while (heard.length < 2) await delay(2);
    watching.stop();
    const [before] = [heard.length];
    await delay(30);
    assert.equal(heard.length, before);
  });

  // Guards the end: a timer that is set again by a comparison under way keeps asking for ever.
  it('[DS5] ends also when it is stopped in the middle of a comparison', async () => {
    room(ANN, 5);
    let open = () => undefined as void;
    gate = new Promise((resolve) => (open = resolve));
    watch.start(1, () => undefined);
    while (queries.length === 0) await delay(1);
    watch.stop();
    open();
    await delay(30);
    assert.equal(queries.length, 1);
  });
});
