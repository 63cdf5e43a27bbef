import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { auditShards } from '../../persistence/index.ts';
import type { GuildId, ItemId, PlayerId } from '../../schema/ids.ts';
import { command as commandOf, committed, itemPosting, movement, settleOne, startCluster, type TestCluster } from '../kit/cluster.ts';

const pay = (giver: PlayerId | null, receiver: PlayerId | null, quantity: number) => ({ asset: 'gold', quantity, giver, receiver });
const NAMES = {
  balances: 'C: balances are what the ledger adds up to',
  conserved: 'C: every asset held is minted less burned',
  givers: 'P: each giver of an item is its previous receiver',
  holders: 'P: the holder of an item is its last receiver',
  bounds: 'B: quantities and versions are within bounds, and every holder exists',
  dense: 'V: inventory versions are dense',
  placed: 'F: every player is on the shard of its slot',
  mapped: 'F: every slot is held by exactly one shard',
  open: 'L: no prepared transaction is left open',
  owned: 'O: every unique item is held exactly once',
  legs: 'A: every posting between shards stands on both',
  guilds: 'O: every guild has a bank, one leader and a whole log',
  members: 'O: every member is in one guild, which has them',
  fed: 'V: what leaderboards are fed with is what the ledger says',
  commands: 'K: every transaction answers a command, and every command its transaction',
};
type Statement = [shard: number, sql: string];

describe('the audit', () => {
  let cluster: TestCluster;
  let [ann, bob, cat, dan]: PlayerId[] = [];
  let sword: ItemId;
  let trade: string;
  let guild: { id: GuildId; shard: number };
  const held = { gid: `strongroom:0:${crypto.randomUUID()}:3`, nobody: crypto.randomUUID() };

  before(async () => {
    cluster = await startCluster();
    [ann, bob, cat, dan] = await cluster.playersOn(0, 1, 0, 0);
    for (const player of [ann, bob, cat, dan]) await cluster.mint(player!, 100);
    sword = await cluster.mintItem(ann!);
    const relic = await cluster.mintItem(ann!);
    const settle = async (...postings: Parameters<typeof movement>[0]) => committed(await settleOne(cluster.storage, movement(postings))).transactionId;
    await settle(itemPosting({ id: sword }, ann!, cat!));
    // Ann's sword comes back, and everyone on the shard is in that transaction: so its giver can be forged and nothing else be wrong.
    await settle(itemPosting({ id: sword, version: 2 }, cat!, ann!), pay(cat!, ann!, 1), pay(dan!, ann!, 1));
    trade = await settle(itemPosting({ id: relic }, ann!, bob!), pay(ann!, bob!, 7), pay(bob!, ann!, 2));
    await settle(pay(bob!, null, 5));
    const id = await cluster.storage.guilds.create({ founder: ann!, epoch: 0, name: 'The Order', tag: 'ORD', command: () => ({ ...commandOf(), actor: ann! }) });
    guild = { id, shard: cluster.placeOf(id) };
  });
  after(() => cluster.stop());

  const run = async (statements: Statement[]) => {
    for (const [shard, sql] of statements) await cluster.sql(shard, sql);
  };
  const red = async () => (await auditShards(cluster.shards, 1)).invariants.filter(({ ok }) => !ok);

  it('[AU1] is green on an intact economy, and says how much it looked at', async () => {
    const { ok, invariants } = await cluster.storage.audit();
    assert.ok(ok);
    assert.deepEqual(invariants.map(({ name }) => name).toSorted(), Object.values(NAMES).toSorted());
    for (const { name, checked, violations } of invariants) assert.ok((checked > 0 || name === NAMES.open) && violations.length === 0, name);
  });

  /** A fault, what mends it, and exactly what must be red while it is there, with words of the violation that names it. */
  const FAULTS: [what: string, make: () => Statement[], mend: () => Statement[], expected: () => Partial<Record<keyof typeof NAMES, RegExp>>][] = [
    ['gold that changed hands without a posting',
      () => [[0, `update balance set quantity = quantity + case holder when '${ann}' then 1 else -1 end where holder in ('${ann}', '${cat}')`]],
      () => [[0, `update balance set quantity = quantity - case holder when '${ann}' then 1 else -1 end where holder in ('${ann}', '${cat}')`]],
      () => ({ balances: new RegExp(`shard 0: ${ann} gold: held 98, ledger 97`) })],
    ['gold that came from nowhere',
      () => [[1, `update balance set quantity = quantity + 1 where holder = '${bob}'`]],
      () => [[1, `update balance set quantity = quantity - 1 where holder = '${bob}'`]],
      () => ({ balances: new RegExp(`${bob} gold: held 101, ledger 100`), conserved: /^gold: held 396, minted 400, burned 5$/ })],
    ['a burn that burned nothing',
      () => [[0, `insert into ledger values ('${trade}', 99, 'fault', now(), 'gold', null, null, 3, '${bob}', null)`]],
      () => [[0, `delete from ledger where seq = 99`]],
      () => ({ conserved: /^gold: held 395, minted 400, burned 8$/ })],
    ['a negative balance, past the check of the database',
      () => [[1, 'alter table balance drop constraint balance_bounds'], [1, `update balance set quantity = -100 where holder = '${bob}'`]],
      () => [[1, `update balance set quantity = 100 where holder = '${bob}'`], [1, 'alter table balance add constraint balance_bounds check (quantity between 0 and 9007199254740991)']],
      () => ({ bounds: new RegExp(`${bob} gold: -100`), balances: /held -100, ledger 100/, conserved: /held 195/ })],
    ['a balance of nobody',
      () => [[2, `insert into balance values ('${held.nobody}', 'gold', 0)`]],
      () => [[2, `delete from balance where holder = '${held.nobody}'`]],
      () => ({ bounds: new RegExp(`shard 2: ${held.nobody}: no inventory`) })],
    ['an item given by somebody who never had it',
      () => [[0, `update ledger set giver = '${dan}' where item = '${sword}' and item_version = 3`]],
      () => [[0, `update ledger set giver = '${cat}' where item = '${sword}' and item_version = 3`]],
      () => ({ givers: new RegExp(`${sword}: version 3 given by ${dan}, received before by ${cat}`) })],
    ['an item given by somebody who has no posting that received it',
      () => [[0, `update ledger set item_version = 7 where item = '${sword}' and item_version = 2`]],
      () => [[0, `update ledger set item_version = 2 where item = '${sword}' and item_version = 7`]],
      () => ({ givers: new RegExp(`${sword}: version [37] given by`), holders: new RegExp(`${sword}: version 7 was received by ${cat}, who does not hold it`) })],
    ['an item that another has than received it',
      () => [[0, `update item set holder = '${cat}' where id = '${sword}'`]],
      () => [[0, `update item set holder = '${ann}' where id = '${sword}'`]],
      () => ({ holders: new RegExp(`${sword}: held by ${cat} at version 3 without a posting`) })],
    ['an item that is held twice, on two shards',
      () => [[1, `insert into item values ('${sword}', '${bob}', 'sword', '{}', 3, false)`]],
      () => [[1, `delete from item where id = '${sword}'`]],
      () => ({ owned: new RegExp(`${sword}: held more than once`), holders: new RegExp(`shard 1: ${sword}: held by ${bob}`) })],
    ['an item that is nowhere any more',
      () => [[0, `delete from item where id = '${sword}'`]],
      () => [[0, `insert into item values ('${sword}', '${ann}', 'sword', '{}', 3, false)`]],
      () => ({ owned: /1 items are held, 2 were minted and not burned/, holders: new RegExp(`${sword}: version 3 was received by ${ann}, who does not hold it`) })],
    ['a mint of an item that nobody received',
      () => [[0, `insert into ledger values ('${trade}', 99, 'fault', now(), null, '${held.nobody}', 1, 1, null, '${bob}')`]],
      () => [[0, 'delete from ledger where seq = 99']],
      () => ({ owned: /2 items are held, 3 were minted and not burned/ })],
    ['a posting between shards of which one leg is missing',
      () => [[1, `delete from ledger where transaction_id = '${trade}' and seq = 1`]],
      () => [[1, `insert into ledger values ('${trade}', 1, 'test', now(), 'gold', null, null, 7, '${ann}', '${bob}')`]],
      () => ({ legs: new RegExp(`${trade} 1 test gold .*7 ${ann} ${bob}: stands on one shard only`), balances: new RegExp(`${bob} gold: held 100, ledger 93`) })],
    ['a posting between shards on whose reason they do not agree',
      () => [[1, `update ledger set reason = 'fault' where transaction_id = '${trade}' and seq = 1`]],
      () => [[1, `update ledger set reason = 'test' where transaction_id = '${trade}' and seq = 1`]],
      () => ({ legs: new RegExp(`${trade} 1 (test|fault)`) })],
    ['an inventory whose version jumped',
      () => [[0, `update inventory set version = version + 1 where holder = '${dan}'`]],
      () => [[0, `update inventory set version = version - 1 where holder = '${dan}'`]],
      () => ({ dense: new RegExp(`shard 0: ${dan}: version 3, transactions 2`) })],
    ['a player whose slot is not its own',
      () => [[1, `update player set slot = (slot + 1) % 1024 where id = '${bob}'`]],
      () => [[1, `update player set slot = (slot + 1023) % 1024 where id = '${bob}'`]],
      () => ({ placed: new RegExp(`shard 1: ${bob}: slot \\d+`) })],
    ['a slot that two shards hold',
      () => [[1, `update slot set shard = 1 where slot = 1023`]],
      () => [[1, `update slot set shard = 3 where slot = 1023`]],
      () => ({ mapped: /slot 1023: held by shard 1 and shard 3/ })],
    ['an inventory of nobody',
      () => [[3, `insert into inventory values ('${held.nobody}', 0, 0)`]],
      () => [[3, `delete from inventory where holder = '${held.nobody}'`]],
      () => ({ placed: new RegExp(`shard 3: ${held.nobody}: holds without being a player or a guild here`) })],
    ['a transaction that answers no command',
      () => [0, 1, 2, 3].map((shard): Statement => [shard, `update command set transaction_id = null, answer = '"${trade}"' where transaction_id = '${trade}'`]),
      () => [0, 1, 2, 3].map((shard): Statement => [shard, `update command set transaction_id = '${trade}', answer = '"done"' where answer = '"${trade}"'`]),
      () => ({ commands: new RegExp(`${trade}: no command`) })],
    ['a command without its postings',
      () => [[2, `insert into command values ('${held.nobody}', '${held.nobody}', '', '{}', '${held.nobody}')`]],
      () => [[2, `delete from command where id = '${held.nobody}'`]],
      () => ({ commands: new RegExp(`${held.nobody}: a command without its postings`) })],
    ['a guild without a leader',
      () => [[guild.shard, `update guild_member set rank = 'member' where guild = '${guild.id}'`]],
      () => [[guild.shard, `update guild_member set rank = 'leader' where guild = '${guild.id}'`]],
      () => ({ guilds: new RegExp(`${guild.id}: 0 leaders`) })],
    ['a log that has lost a line',
      () => [[guild.shard, `update guild_log set seq = 2 where guild = '${guild.id}'`]],
      () => [[guild.shard, `update guild_log set seq = 1 where guild = '${guild.id}'`]],
      () => ({ guilds: new RegExp(`${guild.id}: logged 1, lines 1`) })],
    ['a guild without its bank',
      () => [[guild.shard, `delete from inventory where holder = '${guild.id}'`]],
      () => [[guild.shard, `insert into inventory values ('${guild.id}', 0, -1)`]],
      () => ({ guilds: new RegExp(`${guild.id}: no bank`) })],
    ['a member of a guild that was disbanded',
      () => [[guild.shard, `update guild set disbanded_at = now() where id = '${guild.id}'`]],
      () => [[guild.shard, `update guild set disbanded_at = null where id = '${guild.id}'`]],
      () => ({ guilds: new RegExp(`${guild.id}: ${ann} is in no guild that lives`), members: /2 names and tags, 0 of guilds/ })],
    ['a member who says otherwise',
      () => [[0, `update player set guild_id = null where id = '${ann}'`]],
      () => [[0, `update player set guild_id = '${guild.id}' where id = '${ann}'`]],
      () => ({ members: new RegExp(`${guild.id} ${ann}: the player does not say so`) })],
    ['somebody who says that a guild has them',
      () => [[1, `update player set guild_id = '${guild.id}' where id = '${bob}'`]],
      () => [[1, `update player set guild_id = null where id = '${bob}'`]],
      () => ({ members: new RegExp(`${guild.id} ${bob}: the guild does not say so`) })],
    ['a tag that is nobody’s any more',
      () => [0, 1, 2, 3].map((shard): Statement => [shard, `update guild_name set key = 'gone' || key where key = 'tag:ord'; delete from guild_name where key = 'gonetag:ord'`]),
      () => [[0, `insert into guild_name values ('tag:ord', '${guild.id}')`]],
      () => ({ members: /1 names and tags, 2 of guilds/ })],
    ['a trade that is counted and was none',
      () => [[0, `update inventory set traded = traded + 1 where holder = '${ann}'`]],
      () => [[0, `update inventory set traded = traded - 1 where holder = '${ann}'`]],
      () => ({ fed: new RegExp(`${ann}: 1 trades counted, in the ledger 0`) })],
    ['something gathered that nobody counted',
      () => [[1, `update player set gathered = gathered - 1 where id = '${bob}'`]],
      () => [[1, `update player set gathered = gathered + 1 where id = '${bob}'`]],
      () => ({ fed: new RegExp(`${bob}: -1 gathered, in the ledger 0`) })],
    ['a score that has more in it than there is',
      () => [[1, `insert into score (player, board, season, region, value, counted) values ('${bob}', 'trades', 1, 'eu', 9, 99)`]],
      () => [[1, `delete from score where player = '${bob}'`]],
      () => ({ fed: new RegExp(`${bob} on trades: counted 99`) })],
  ];
  for (const [what, make, mend, expected] of FAULTS) {
    // Guards the invariant that it names: without it the audit would be green, with a clumsier one more would be red.
    it(`[AU1] is red of ${what}, and of nothing else`, async () => {
      await run(make());
      const found = await red().finally(() => run(mend()));
      const patterns = Object.entries(expected()).map(([key, pattern]) => [NAMES[key as keyof typeof NAMES], pattern] as const);
      assert.deepEqual(found.map(({ name }) => name).toSorted(), patterns.map(([name]) => name).toSorted(), JSON.stringify(found));
      for (const [name, pattern] of patterns) {
        const { violations = [] } = found.find((invariant) => invariant.name === name) ?? {};
        assert.ok(violations.some((violation) => pattern.test(violation)), `${violations.join('\n')} does not match ${pattern}`);
      }
      assert.deepEqual(await red(), [], 'and green when it is mended');
    });
  }

  // On every shard by itself: between shards, a look may fall between a commit and its telling, and is repeated.
  it('[AU1] is green in the middle of traffic on every shard', async () => {
    const pairs = await Promise.all([0, 1, 2, 3].map((shard) => cluster.playersOn(shard, shard)));
    for (const [player] of pairs) await cluster.mint(player!, 1000);
    let going = true;
    let moved = 0;
    const traffic = pairs.map(async ([one, other]) => {
      for (; going; moved++) {
        const [giver, receiver] = moved % 2 ? [one!, other!] : [other!, one!];
        await settleOne(cluster.storage, movement([pay(giver, receiver, 1)], { commands: [commandOf({ actor: giver })] }));
      }
    });
    try {
      while (moved < 40) assert.deepEqual(await red(), []);
    } finally {
      going = false;
      await Promise.all(traffic);
    }
  });

  async function command(env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(process.execPath, ['server/commands/audit.ts'], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      env: { ...process.env, NODE_ENV: 'test', DATA_DIR: cluster.dataDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, ...said };
  }

  it('[AU2] as a command ends what a dead server left prepared, and exits 0 when all holds', async () => {
    await cluster.sql(3, `begin; select 1; prepare transaction '${held.gid}'`);
    await delay(1_000); // by then it is in doubt
    const { code, out, err } = await command();
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /audit: green, 4 shards, \d+ ms\n$/);
    for (const name of Object.values(NAMES)) assert.ok(out.includes(name), name);
    assert.deepEqual(await cluster.sql(3, 'select gid from pg_prepared_xacts'), []);
  });

  it('[AU2] as a command exits 1 when an invariant does not hold, and names it', async () => {
    await cluster.sql(0, `update inventory set version = version + 1 where holder = '${dan}'`);
    const { code, out } = await command().finally(() => cluster.sql(0, `update inventory set version = version - 1 where holder = '${dan}'`));
    assert.equal(code, 1);
    assert.match(out, new RegExp(`${NAMES.dense}: shard 0: ${dan}: version 3, transactions 2\\naudit: RED\\n$`));
  });

  it('[AU2] as a command exits 2, with one line, when it could not look', async () => {
    const { code, err } = await command({ SHARD_URLS: 'postgres://nobody@127.0.0.1:1/nowhere' });
    assert.equal(code, 2);
    assert.match(err, /^SHARD_URLS: shard 0 [^\n]+\n$/);
  });

  it('[AU1] is red of a transaction that is left open for more than 5 s', async () => {
    await cluster.sql(3, `begin; select 1; prepare transaction '${held.gid}'`);
    assert.deepEqual(await red(), [], 'not yet');
    await delay(5_100);
    const found = await red().finally(() => cluster.sql(3, `rollback prepared '${held.gid}'`));
    assert.deepEqual(found.map(({ name }) => name), [NAMES.open]);
    assert.match(found[0]?.violations[0] ?? '', new RegExp(`shard 3: ${held.gid}: prepared [5-9] s ago`));
  });
});
