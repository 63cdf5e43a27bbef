import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { memoryBus, type Bus, type GuildNews, type GuildRecord } from '../../persistence/index.ts';
import type { GuildRank } from '../../schema/guild.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { GuildDirectory } from '../../server/guilds/directory.ts';

const [ORDER, CIRCLE] = ['order', 'circle'] as [GuildId, GuildId];
const [ANN, BOB] = ['ann', 'bob'] as [PlayerId, PlayerId];

describe('the members’ cache', () => {
  let truth: Map<GuildId, GuildRecord>;
  let queries: (readonly GuildId[])[];
  let bus: Bus;
  let directory: GuildDirectory;
  let gate: Promise<void>;

  const guild = (version: number, ...ranks: [PlayerId, GuildRank][]): GuildRecord => ({ id: ORDER, name: 'Order', tag: 'ORD', motd: '', version, members: ranks.map(([playerId, rank], joinedAt) => ({ playerId, rank, joinedAt })) });
  const changed = (version: number, set: [PlayerId, GuildRank][], removed: PlayerId[] = [], more: Partial<Extract<GuildNews, { type: 'changed' }>> = {}): GuildNews => ({
    type: 'changed', version, motd: '', disbanded: false, members: { set: set.map(([playerId, rank]) => ({ playerId, rank, name: playerId })), removed }, log: [], ...more,
  });
  const shown = async () => [...((await directory.get(ORDER))?.members.values() ?? [])].map(({ playerId, rank }) => `${playerId} ${rank}`);

  beforeEach(() => {
    truth = new Map([[ORDER, guild(1, [ANN, 'leader'])]]);
    queries = [];
    bus = memoryBus();
    gate = Promise.resolve();
    directory = new GuildDirectory({
      async find(ids) {
        queries.push(ids);
        await gate;
        return new Map(ids.flatMap((id) => (truth.has(id) ? [[id, truth.get(id) as GuildRecord]] : [])));
      },
      names: async (players) => new Map(players.map((player) => [player, player])),
      bus, max: 2, ttlMs: 60_000,
    });
  });

  it('[GC1] is read once, however many ask, and not again', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => directory.get(ORDER)));
    await directory.get(ORDER);
    assert.deepEqual(queries, [[ORDER]]);
    assert.deepEqual(await shown(), ['ann leader']);
  });

  it('[GC1] the guild’s news bring it up to date without a query', async () => {
    await directory.get(ORDER);
    bus.publish('guild', ORDER, changed(2, [[BOB, 'member']]));
    assert.deepEqual(await shown(), ['ann leader', 'bob member']);
    bus.publish('guild', ORDER, changed(3, [[BOB, 'leader'], [ANN, 'officer']]));
    bus.publish('guild', ORDER, changed(4, [], [ANN]));
    bus.publish('guild', ORDER, { type: 'renamed', playerId: BOB, name: 'Robert' });
    assert.deepEqual([await shown(), (await directory.get(ORDER))?.members.get(BOB)?.name, queries.length], [['bob leader'], 'Robert', 1]);
  });

  // Guards the version: news that came late, or of which one was lost, must not be put on top of each other.
  it('[GC1] old news change nothing; after a gap, a resync or the end it is read again', async () => {
    await directory.get(ORDER);
    bus.publish('guild', ORDER, changed(1, [[BOB, 'member']]));
    assert.deepEqual([await shown(), queries.length], [['ann leader'], 1]);
    truth.set(ORDER, guild(3, [ANN, 'leader'], [BOB, 'member']));
    bus.publish('guild', ORDER, changed(3, [[BOB, 'member']]));
    assert.deepEqual([await shown(), queries.length], [['ann leader', 'bob member'], 2]);
    bus.publish('guild', ORDER, { type: 'resync' });
    await directory.get(ORDER);
    assert.equal(queries.length, 3);
    truth.delete(ORDER);
    bus.publish('guild', ORDER, changed(4, [], [ANN, BOB], { disbanded: true }));
    assert.equal(await directory.get(ORDER), undefined);
  });

  // Guards listening before reading.
  it('[GC1] what is told while it is read is not lost', async () => {
    let open = () => undefined as void;
    gate = new Promise((resolve) => (open = resolve));
    const reading = directory.get(ORDER);
    await turn();
    bus.publish('guild', ORDER, changed(2, [[BOB, 'member']]));
    open();
    await reading;
    assert.deepEqual(await shown(), ['ann leader', 'bob member']);
  });

  it('[GC1] is bounded, and who was forgotten is listened to no more', async () => {
    for (const id of [ORDER, CIRCLE, 'third' as GuildId]) {
      truth.set(id, { ...guild(1, [ANN, 'leader']), id });
      await directory.get(id);
    }
    assert.equal(directory.size, 2);
    truth.set(ORDER, guild(9, [BOB, 'leader']));
    assert.deepEqual(await shown(), ['bob leader']);
    directory.clear();
    await directory.get(ORDER);
    assert.deepEqual(queries.filter(([id]) => id === ORDER).length, 3);
  });

  it('[GC1] one that is not there is not remembered', async () => {
    assert.equal(await directory.get(CIRCLE), undefined);
    truth.set(CIRCLE, { ...guild(1, [ANN, 'leader']), id: CIRCLE });
    assert.equal((await directory.get(CIRCLE))?.id, CIRCLE);
  });
});
