import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientId, CommandId, PlayerId } from '../../schema/ids.ts';
import type { Refusal } from '../../schema/refusals.ts';
import { startCluster, type TestCluster } from '../kit/cluster.ts';

/** Well below the lock timeout, and far above what a commit takes. */
const SOON_MS = 1_000;

describe('a crowd that comes at once', () => {
  let cluster: TestCluster;
  before(async () => void (cluster = await startCluster()));
  after(() => cluster.stop());

  const take = (player: PlayerId, client?: string) => cluster.storage.players.takeSession(player, client as ClientId | undefined);
  const heldOf = async (player: PlayerId) =>
    (await cluster.sql<{ epoch: number; client: string | null; transaction: string }>(cluster.placeOf(player), 'select session_epoch::int as epoch, session_client as client, xmin::text as transaction from inventory where holder = $1', [player]))[0];
  /** Holds the player's row, as a writer does. @returns what ends that */
  const hold = async (player: PlayerId) => {
    const client = await cluster.shards[cluster.placeOf(player)]!.pool.connect();
    await client.query('begin');
    await client.query('select from inventory where holder = $1 for update', [player]);
    return async (end = 'rollback') => {
      await client.query(end);
      client.release();
    };
  };

  // Guards the group commit: one transaction each would be 200.
  it('[SE8] takes its sessions in few transactions, and each has the client that took it', async () => {
    const players = await cluster.newPlayers(200);
    const clients = new Map(players.map((player, at) => [player, at % 3 === 0 ? null : randomUUID()]));
    const epochs = await Promise.all(players.map((player) => take(player, clients.get(player) ?? undefined)));
    assert.deepEqual(new Set(epochs), new Set([1]));
    const held = await Promise.all(players.map(heldOf));
    assert.deepEqual(held.map((row) => [row?.epoch, row?.client]), players.map((player) => [1, clients.get(player)]));
    const transactions = new Set(held.map((row, at) => `${cluster.placeOf(players[at]!)}/${row?.transaction}`)).size;
    assert.ok(transactions <= 12, `${transactions} transactions`);
  });

  // Guards the first of each player in a group: one statement raises a row once.
  it('[SE1] [SE8] gives sessions of one player that come together an epoch each, and the newest is the one that is kept', async () => {
    const [first, player] = await cluster.playersOn(0, 0) as [PlayerId, PlayerId];
    const clients = Array.from({ length: 6 }, () => randomUUID());
    // The first is under way alone, while the others gather behind it.
    const [, ...epochs] = await Promise.all([take(first), ...clients.map((client) => take(player, client))]);
    assert.deepEqual(epochs.toSorted(), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(await heldOf(player).then((row) => [row?.epoch, row?.client]), [6, clients[epochs.indexOf(6)]]);
  });

  // Guards `skip locked`, and that who is left out goes alone outside of the group: everybody would wait for who is being written for.
  for (const [when, place] of [['first', 0], ['among the others', 1]] as const) {
    it(`[SE8] waits for nobody else’s writer, whose player comes ${when}`, async () => {
      const players = await cluster.playersOn(...Array.from({ length: 20 }, () => 1));
      const release = await hold(players[place] as PlayerId);
      let isTaken = false;
      const taking = players.map((player, at) => take(player).finally(() => at === place && (isTaken = true)));
      try {
        const soon = Promise.all(taking.filter((_, at) => at !== place));
        assert.ok(await Promise.race([soon.then(() => true), delay(SOON_MS, false)]), 'the others are there before the writer ends');
        assert.equal(isTaken, false);
      } finally {
        await release();
      }
      assert.deepEqual(await Promise.all(taking), players.map(() => 1));
    });
  }

  it('[SE8] refuses who does not exist, and nobody else', async () => {
    const [first, ...known] = await cluster.newPlayers(30);
    const [erased] = await cluster.newPlayers(1) as [PlayerId];
    await cluster.sql(cluster.placeOf(erased), 'update player set erased_at = now() where id = $1', [erased]);
    const strangers = [erased, ...Array.from({ length: 10 }, () => randomUUID() as PlayerId)];
    const outcome = (player: PlayerId) => take(player).catch((error: Refusal) => error.code);
    const outcomes = await Promise.all([first!, ...strangers, ...known].map(outcome));
    assert.deepEqual(outcomes, [1, ...strangers.map(() => 'UNKNOWN_PLAYER'), ...known.map(() => 1)]);
  });

  // Guards that a row which somebody has marked is waited for.
  it('[KE4] asks what became of a command, and is told that nothing did only once nobody writes', async () => {
    const [player] = await cluster.playersOn(2) as [PlayerId];
    const command = randomUUID() as CommandId;
    const ask = () => cluster.storage.commands.find(player, command, { awaitWriters: true });
    assert.equal(await ask(), undefined);
    const release = await hold(player);
    let answered = false;
    const asking = ask().finally(() => (answered = true));
    try {
      await delay(200);
      assert.equal(answered, false, 'while a writer holds the row');
      await cluster.sql(2, 'insert into command (actor, id, hash, answer) values ($1, $2, $3, $4)', [player, command, Buffer.alloc(32), '"done"']);
    } finally {
      await release('commit');
    }
    assert.deepEqual((await asking)?.answer, 'done');
    // However its id is written.
    assert.deepEqual((await cluster.storage.commands.find(player, command.toUpperCase() as CommandId))?.answer, 'done');
  });

  // Guards the look at the mark: asking must not write, or each question would be a commit to disk.
  it('[KE4] asks about a player for whom nobody writes without writing itself', async () => {
    const players = await cluster.newPlayers(40);
    const counted = async () => (await Promise.all(cluster.shards.map(({ index }) => cluster.sql<{ next: string }>(index, 'select pg_snapshot_xmax(pg_current_snapshot())::text as next')))).flat().map(({ next }) => next);
    const before = await counted();
    const found = await Promise.all(players.map((player) => cluster.storage.commands.find(player, randomUUID() as CommandId, { awaitWriters: true })));
    assert.deepEqual(new Set(found), new Set([undefined]));
    assert.deepEqual(await counted(), before, 'no transaction was given a number');
  });
});
