import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { takeMoveLock } from '../../persistence/reshard/move-lock.ts';
import { shardStatus } from '../../persistence/reshard/status.ts';
import { verifyShards } from '../../persistence/reshard/verify.ts';
import { slotOf } from '../../persistence/slots.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { command, committed, movement, settleOne, startCluster, type TestCluster } from '../kit/cluster.ts';

const SERVICE = '00000000-0000-0000-0000-000000000000';
type Statement = [shard: number, sql: string];

describe('what is on which shard', () => {
  let cluster: TestCluster;
  let [ann, bob]: PlayerId[] = [];
  let slot: number;
  /** This one and the next are the last shard's, and nobody is there: who is there would be said to be in the wrong place. */
  let empty: number;
  const [item, transaction] = [randomUUID(), randomUUID()];

  before(async () => {
    cluster = await startCluster({ databases: 3 });
    [ann, bob] = await cluster.playersOn(0, 1);
    slot = slotOf(ann!);
    await cluster.storage.players.create({ name: 'Cat', region: 'eu' }, { login: 'cat@example.com', passwordHash: 'hashed' });
    for (const player of [ann, bob]) await cluster.mint(player!, 100);
    await cluster.mintItem(ann!);
    committed(await settleOne(cluster.storage, movement([{ asset: 'gold', quantity: 3, giver: ann!, receiver: bob! }], { commands: [command({ actor: ann! })] })));
    const taken = new Set((await cluster.sql<{ slot: number }>(2, 'select slot from player')).map(({ slot }) => slot));
    empty = Array.from({ length: 300 }, (_, at) => 1022 - at).find((slot) => !taken.has(slot) && !taken.has(slot + 1)) ?? assert.fail('there are not so many players');
  });
  after(() => cluster.stop());

  const run = async (statements: Statement[]) => {
    for (const [shard, sql] of statements) await cluster.sql(shard, sql);
  };
  const verify = () => verifyShards(cluster.shards, 1);

  it('[SH5] is all right after play, whoever made the rows', async () => {
    assert.deepEqual(await verify(), []);
  });

  const moving = (...shards: number[]) => shards.map((shard): Statement => [shard, `insert into slot_move values (${slot}, 0, 2)`]);
  const notMoving: Statement[] = [0, 1, 2].map((shard) => [shard, 'delete from slot_move']);
  const restored = (): Statement[] => [0, 1, 2].map((shard) => [shard, `update slot set shard = slot * 3 / 1024, epoch = 1`]);

  /** What is wrong, how it comes, how it goes, and exactly what is said of it. */
  const PROBLEMS: [what: string, make: () => Statement[], mend: () => Statement[], said: () => string[]][] = [
    ['a slot that no shard holds', () => [[2, `update slot set shard = 1 where slot in (${empty}, ${empty + 1})`]], restored, () => [`slot ${empty}-${empty + 1}: no shard holds it`]],
    ['a slot that two shards hold', () => [[1, 'update slot set shard = 1 where slot = 1023']], restored, () => ['slot 1023: shards 1 and 2 hold it']],
    ['an old copy of the map', () => [[2, 'update slot set epoch = 2 where slot in (1000, 1002)']], restored,
      () => [0, 1].map((shard) => `slot 1000, 1002: shard ${shard} has an old copy of the map: it is on shard 2 since a later version`)],
    ['a copy that says something else', () => [[0, 'update slot set shard = 1 where slot = 1023']], restored, () => ['slot 1023: shard 0 has another map: it is on shard 2, and not on shard 1']],
    ['a copy that knows less', () => [[0, 'delete from slot where slot = 1023']], () => [[0, 'insert into slot values (1023, 2, 1)']], () => ['slot 1023: shard 0 does not know where it is: on shard 2']],
    ['a shard without a map', () => [[2, 'alter table slot_map rename to slot_map_away'], [2, 'create table slot_map (version bigint)']], () => [[2, 'drop table slot_map'], [2, 'alter table slot_map_away rename to slot_map']],
      () => ['shard 2 has no slot map', 'slot 683-1023: no shard holds it']],
    ['a holder where its slot is not', () => [[2, `insert into inventory values ('${ann}', 0, 0)`]], () => [[2, `delete from inventory where holder = '${ann}'`]], () => [`shard 2: holder ${ann} is here, and slot ${slot} is not`]],
    ['a player where its slot is not', () => [[2, `insert into player values ('${ann}', ${slot}, 'Ann', 'eu')`]], () => [[2, `delete from player where id = '${ann}'`]], () => [`shard 2: player ${ann} is here, and slot ${slot} is not`]],
    ['an account where its slot is not', () => [0, 1, 2].map((shard): Statement => [shard, `insert into account values ('dan@example.com', '', '${ann}')`]), () => [0, 1, 2].map((shard): Statement => [shard, `delete from account where login = 'dan@example.com'`]),
      () => [0, 1, 2].filter((shard) => shard !== cluster.placeOf('dan@example.com')).map((shard) => `shard ${shard}: account dan@example.com is here, and slot ${slotOf('dan@example.com')} is not`)],
    ['a service command where its slot is not', () => [[2, `insert into command values ('${SERVICE}', '${ann}', '', '{}')`]], () => [[2, `delete from command where id = '${ann}'`]], () => [`shard 2: service command ${ann} is here, and slot ${slot} is not`]],
    ['an item that is left over', () => [[2, `insert into item values ('${item}', '${ann}', 'sword', '{}', 1)`]], () => [[2, `delete from item where id = '${item}'`]], () => [`shard 2: leftover: item ${item} of ${ann}, who is not here`]],
    ['a balance that is left over', () => [[2, `insert into balance values ('${ann}', 'ore', 1)`]], () => [[2, 'delete from balance']], () => [`shard 2: leftover: ore of ${ann}, who is not here`]],
    ['a command that is left over', () => [[2, `insert into command values ('${ann}', '${item}', '', '{}')`]], () => [[2, `delete from command where id = '${item}'`]], () => [`shard 2: leftover: command ${item} of ${ann}, who is not here`]],
    ['a ledger row that is left over', () => [[2, `insert into ledger values ('${transaction}', 4, 'test', now(), 'gold', null, null, 1, '${ann}', '${bob}')`]], () => [[2, `delete from ledger where seq = 4`]],
      () => [`shard 2: leftover: ledger row ${transaction} 4, of which nobody is here`]],
    ['a mark of a move that is over', () => [[2, `insert into incoming values ('${ann}', ${slot}, 1)`]], () => [[2, 'delete from incoming']], () => [`shard 2: leftover: a copy of ${ann} was made for a move that is over`]],
    ['a move that was interrupted', () => moving(0, 2), () => notMoving, () => [`slot ${slot}: the move from shard 0 to shard 2 was interrupted; move or rebalance again, which ends it first`]],
  ];
  for (const [what, make, mend, said] of PROBLEMS) {
    // Guards the line that names it: without it nothing would be said, with a clumsier one more would be.
    it(`[SH5] is not right with ${what}, and nothing else is said`, async () => {
      await run(make());
      assert.deepEqual((await verify().finally(() => run(mend()))).toSorted(), said().toSorted());
      assert.deepEqual(await verify(), [], 'and right when it is mended');
    });
  }

  // Guards what a move may do: copies of players and holdings come before their slot, and old copies go after it.
  it('[SH5] is right in the middle of a move, as long as somebody is at it', async () => {
    const mover = new pg.Client({ connectionString: cluster.urls[0] });
    await mover.connect();
    assert.equal(await takeMoveLock(mover), true);
    const copies: Statement[] = [
      [2, `insert into player values ('${ann}', ${slot}, 'Ann', 'eu')`], [2, `insert into balance values ('${ann}', 'gold', 1)`], [2, `insert into item values ('${item}', '${ann}', 'sword', '{}', 1)`],
      [2, `insert into command values ('${ann}', '${item}', '', '{}'), ('${SERVICE}', '${ann}', '', '{}')`], [2, `insert into incoming values ('${ann}', ${slot}, 1)`],
      [2, `insert into ledger values ('${transaction}', 4, 'test', now(), 'gold', null, null, 1, '${ann}', '${bob}')`],
    ];
    try {
      await run([...moving(0, 2), ...copies]);
      assert.deepEqual(await verify(), []);
      await run([[2, `insert into balance values ('${bob}', 'gold', 1)`]]);
      assert.deepEqual(await verify(), [`shard 2: leftover: gold of ${bob}, who is not here`]);
    } finally {
      await mover.end();
      await run([...notMoving, ...['player', 'balance', 'item', 'command', 'incoming', 'ledger'].map((table): Statement => [2, `delete from ${table} where ${table}::text like '%${ann}%'`])]);
      await run([[2, `delete from balance where holder = '${bob}'`]]);
    }
    assert.deepEqual(await verify(), []);
  });

  it('[SH5] is told shard by shard, with what an operator must watch, and never a password', async () => {
    await cluster.sql(2, `begin; select 1; prepare transaction 'strongroom:1:${transaction}:2'`);
    await cluster.sql(0, `insert into slot_move values (${slot}, 0, 2)`);
    try {
      const [first, second, third] = await shardStatus(cluster.shards);
      const { host } = new URL(cluster.urls[0]!);
      assert.equal(first?.database, `${host}/strongroom_0`);
      assert.deepEqual([first, second, third].map((shard) => shard?.slots), [342, 341, 341]);
      const players = await Promise.all([0, 1, 2].map(async (shard) => (await cluster.sql(shard, 'select 1 from player')).length));
      assert.deepEqual([first, second, third].map((shard) => shard?.players), players);
      assert.deepEqual([first?.moving, second?.moving, first?.mapVersion], [1, 0, 1]);
      assert.ok(first!.bytes > 1_000_000 && first!.connections > 2 && first!.connections < first!.connectionsMax && first!.connectionsMax === 100);
      assert.ok(!JSON.stringify([first, second, third]).includes(new URL(cluster.urls[0]!).password));
    } finally {
      await cluster.sql(2, `rollback prepared 'strongroom:1:${transaction}:2'`);
      await cluster.sql(0, 'delete from slot_move');
    }
  });
});
