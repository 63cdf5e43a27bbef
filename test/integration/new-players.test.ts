import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import type { Refusal } from '../../schema/refusals.ts';
import { redInvariants, startCluster, type TestCluster } from '../kit/cluster.ts';

describe('new players', () => {
  let cluster: TestCluster;
  before(async () => void (cluster = await startCluster()));
  after(() => cluster.stop());

  const create = (name: string) => cluster.storage.players.create({ name, region: 'eu' });
  const rowsOf = async (shard: number, ids: readonly PlayerId[]) =>
    await cluster.sql<{ id: PlayerId; created: string }>(
      shard,
      `select p.id, p.created_at::text as created from player p join inventory i on i.holder = p.id
       where p.id = any($1::uuid[]) and p.slot = slot_of(p.id::text) and p.name = 'Newcomer' and p.region = 'eu' and p.level = 1 and p.xp = 0
         and p.login is null and p.guild_id is null and i.version = 0 and i.session_epoch = 0`,
      [ids],
    );

  // Guards the group commit: one transaction each would be 300.
  it('[AC5] many at once are each on the shard of their slot, whole, in few transactions', async () => {
    const ids = await Promise.all(Array.from({ length: 300 }, () => create('Newcomer')));
    const shards = await Promise.all(cluster.shards.map(({ index }) => rowsOf(index, ids)));
    assert.deepEqual(shards.flat().map(({ id }) => id).toSorted(), ids.toSorted());
    for (const [shard, rows] of shards.entries()) assert.ok(rows.every(({ id }) => cluster.placeOf(id) === shard));
    // A transaction has one time.
    const transactions = shards.reduce((sum, rows) => sum + new Set(rows.map(({ created }) => created)).size, 0);
    assert.ok(transactions <= 12, `${transactions} transactions`);
    assert.deepEqual(await redInvariants(cluster.storage), []);
  });

  // Guards the epoch in the statement that renames: the room of a displaced session may not know yet.
  it('[SE2] a displaced session renames nobody, and writes no command', async () => {
    const { players, commands } = cluster.storage;
    const id = await create('Newcomer');
    const displaced = await players.takeSession(id);
    const epoch = await players.takeSession(id);
    const rename = async (by: number) => {
      const command = randomUUID() as CommandId;
      const code = await players.rename(id, 'Renamed', by, { actor: id, id: command, hash: Buffer.alloc(32), answer: () => ({}) }).then(() => undefined, (error: Refusal) => error.code);
      return { code, known: (await commands.find(id, command)) !== undefined };
    };
    assert.deepEqual(await rename(displaced), { code: 'SESSION_REPLACED', known: false });
    assert.equal((await cluster.storage.holdings.players([id])).get(id)?.name, 'Newcomer');
    assert.deepEqual(await rename(epoch), { code: undefined, known: true });
    assert.equal((await cluster.storage.holdings.players([id])).get(id)?.name, 'Renamed');
  });

  it('[AC5] one that must not be fails alone', async () => {
    const names = Array.from({ length: 40 }, (_, at) => (at % 10 === 5 ? 'x'.repeat(25) : 'Newcomer'));
    const outcomes = await Promise.allSettled(names.map(create));
    assert.deepEqual(outcomes.map(({ status }) => status), names.map((name) => (name === 'Newcomer' ? 'fulfilled' : 'rejected')));
    const ids = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const rows = await Promise.all(cluster.shards.map(({ index }) => rowsOf(index, ids)));
    assert.equal(rows.flat().length, 36);
  });
});
