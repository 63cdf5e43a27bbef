import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { memoryBus, type GuildNews } from '../../persistence/index.ts';
import { slotMover } from '../../persistence/reshard/move.ts';
import { verifyShards } from '../../persistence/reshard/verify.ts';
import { slotOf } from '../../persistence/slots.ts';
import { openStorage } from '../../persistence/storage.ts';
import { transactor } from '../../persistence/transact.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';
import { redInvariants, startCluster, type TestCluster } from '../kit/cluster.ts';
import { act, enlist, found, invite, startProcess, verdictOf, type GuildProcess } from '../kit/guild-features.ts';

const gold = (quantity: number) => ({ items: [], fungibles: { gold: quantity } });
const count = (verdicts: readonly string[]) => Object.fromEntries([...Map.groupBy(verdicts, (verdict) => verdict)].map(([verdict, all]) => [verdict, all.length]));

describe('guilds in PostgreSQL', () => {
  let cluster: TestCluster;
  let one: GuildProcess;
  let other: GuildProcess;
  before(async () => {
    cluster = await startCluster();
    one = startProcess(cluster.storage);
    // Another process: a map, a queue and a cache of its own.
    other = startProcess(await openStorage(cluster.shards, { reach: () => undefined, onUnfinished: (error) => assert.fail(String(error)) }));
  });
  afterEach(async () => assert.deepEqual(await redInvariants(cluster.storage), []));
  after(() => cluster.stop());

  const balance = async (holder: PlayerId | GuildId, asset = 'gold') => (await cluster.storage.holdings.holdings([holder])).get(holder)?.fungibles[asset] ?? 0;
  const membersOf = async (guildId: GuildId) => (await cluster.storage.guilds.find([guildId])).get(guildId)?.members ?? [];
  const guildOf = async (player: PlayerId) => (await cluster.storage.holdings.players([player])).get(player)?.guildId;

  it('[GU1] of many who want one name or tag at once one gets it, over all shards, and it is free again after the end', async () => {
    const players = await cluster.manyPlayers(20);
    const founding = (player: PlayerId, at: number) => verdictOf(found(at % 2 === 0 ? one : other, player, at % 2 === 0 ? 'The Ring' : 'THE ring', at % 3 === 0 ? 'RING' : `R${at}`));
    const verdicts = await Promise.all(players.map(founding));
    assert.deepEqual(count(verdicts), { done: 1, GUILD_NAME_TAKEN: 19 });
    const winner = players[verdicts.indexOf('done')] as PlayerId;
    const guilds = await Promise.all(players.map(guildOf));
    assert.deepEqual(guilds.filter((guild) => guild !== null).length, 1);
    assert.equal(await verdictOf(found(one, players.find((player) => player !== winner) as PlayerId, 'the Ring')), 'GUILD_NAME_TAKEN');
    assert.equal(await verdictOf(found(one, winner)), 'ALREADY_IN_GUILD');
    await act(one, guilds.find((guild) => guild) as GuildId, winner, { type: 'leave' });
    assert.equal(await verdictOf(found(one, players[1] as PlayerId, 'The Ring', 'RING')), 'done');
  });

  it('[GU2] 200 join at once, through two processes, and exactly 50 seats are filled', async () => {
    const [ann, ...players] = (await cluster.manyPlayers(201)) as [PlayerId, ...PlayerId[]];
    const guildId = await found(one, ann);
    await invite(cluster, guildId, players);
    const verdicts = await Promise.all(players.map((player, at) => verdictOf(act(at % 2 === 0 ? one : other, guildId, player, { type: 'accept' }))));
    assert.deepEqual(count(verdicts), { done: 49, GUILD_FULL: 151 });
    assert.equal((await membersOf(guildId)).length, 50);
  });

  it('[GU2] who joins two guilds at once, through two processes, is in one', async () => {
    for (let round = 0; round < 10; round++) {
      const [ann, bob, cat] = (await cluster.manyPlayers(3)) as [PlayerId, PlayerId, PlayerId];
      const guilds = [await found(one, ann), await found(one, bob)] as const;
      for (const guildId of guilds) await invite(cluster, guildId, [cat]);
      const verdicts = await Promise.all([verdictOf(act(one, guilds[0], cat, { type: 'accept' })), verdictOf(act(other, guilds[1], cat, { type: 'accept' }))]);
      assert.deepEqual(count(verdicts), { done: 1, ALREADY_IN_GUILD: 1 });
      assert.equal(await guildOf(cat), guilds[verdicts.indexOf('done')]);
    }
  });

  it('[GU3] keeps the newest 50 invitations of a player, seven days long, and forgets what is declined', async () => {
    const [ann, bob] = (await cluster.manyPlayers(2)) as [PlayerId, PlayerId];
    const guildId = await found(one, ann);
    const shard = cluster.placeOf(bob);
    await cluster.sql(shard, `insert into guild_invitation select $1, gen_random_uuid(), 'x', 'x', $1, now() - interval '1 hour' * n from generate_series(1, 60) n`, [bob]);
    await act(one, guildId, ann, { type: 'invite', subject: bob });
    const found50 = await one.features.guilds.invitations(bob);
    assert.deepEqual([found50.length, found50[0]?.guildId, found50[0]?.from], [50, guildId, ann]);
    await one.features.guilds.decline(bob, guildId);
    assert.equal(await verdictOf(act(one, guildId, bob, { type: 'accept' })), 'GUILD_FORBIDDEN');
    await act(one, guildId, ann, { type: 'invite', subject: bob });
    await cluster.sql(shard, `update guild_invitation set at = now() - interval '8 days' where player = $1`, [bob]);
    assert.deepEqual(await one.features.guilds.invitations(bob), []);
    assert.equal(await verdictOf(act(one, guildId, bob, { type: 'accept' })), 'GUILD_FORBIDDEN');
  });

  // Guards the batcher: one transaction for what is asked at once, whatever the shards of who asks.
  it('[GA1] 100 actions of 100 members are one commit, or two when the first goes ahead', async () => {
    const process = startProcess(cluster.storage, { rules: { membersMax: 200 } });
    const [ann, ...members] = (await cluster.manyPlayers(100)) as [PlayerId, ...PlayerId[]];
    const guildId = await found(process, ann);
    await enlist(cluster, guildId, members);
    await Promise.all([ann, ...members].map((player) => cluster.mint(player, 2)));
    const flushes = async () => (await process.metrics.guildFlushSize.get()).values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
    const before = await flushes();
    await Promise.all([ann, ...members].map((player) => act(process, guildId, player, { type: 'deposit', ...gold(1) })));
    assert.deepEqual([(await flushes()) - before, await balance(guildId)], [1, 100]);
    const first = act(process, guildId, ann, { type: 'deposit', ...gold(1) });
    await Promise.resolve();
    await Promise.all([first, ...members.map((player) => act(process, guildId, player, { type: 'deposit', ...gold(1) }))]);
    assert.ok((await flushes()) - before <= 3);
    assert.equal(await balance(guildId), 200);
  });

  it('[GA3] one that the database refuses fails alone, though no rule knew of it', async () => {
    const [ann, bob] = (await cluster.manyPlayers(2)) as [PlayerId, PlayerId];
    const guildId = await found(one, ann);
    await enlist(cluster, guildId, [bob]);
    await Promise.all([ann, bob].map((player) => cluster.mint(player, 100)));
    const shard = cluster.placeOf(guildId);
    await cluster.sql(shard, `alter table guild_log add constraint no13 check (details->'fungibles'->>'gold' is distinct from '13')`);
    const outcomes = await Promise.allSettled([1, 13, 2].map((quantity) => act(one, guildId, quantity === 2 ? bob : ann, { type: 'deposit', ...gold(quantity) })));
    await cluster.sql(shard, 'alter table guild_log drop constraint no13');
    assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
    assert.deepEqual([await balance(guildId), await balance(ann), await balance(bob)], [3, 99, 98]);
  });

  // Guards the row that outlives the membership.
  it('[GU5] the day’s limit is not forgotten by leaving, and is by the next day', async () => {
    const limited = startProcess(cluster.storage, { rules: { member: { invite: false, kick: false, rank: false, motd: false, log: false, deposit: true, withdrawPerDay: { fungibles: 10, items: 1 } } } });
    const [ann, bob] = (await cluster.manyPlayers(2)) as [PlayerId, PlayerId];
    const guildId = await found(limited, ann);
    await enlist(cluster, guildId, [bob]);
    await cluster.mint(ann, 100);
    await act(limited, guildId, ann, { type: 'deposit', ...gold(100) });
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => verdictOf(act(limited, guildId, bob, { type: 'withdraw', ...gold(1) }))));
    assert.deepEqual(count(verdicts), { done: 10, GUILD_FORBIDDEN: 20 });
    await act(limited, guildId, bob, { type: 'leave' });
    await act(limited, guildId, ann, { type: 'invite', subject: bob });
    await act(limited, guildId, bob, { type: 'accept' });
    assert.equal(await verdictOf(act(limited, guildId, bob, { type: 'withdraw', ...gold(1) })), 'GUILD_FORBIDDEN');
    await cluster.sql(cluster.placeOf(guildId), 'update guild_withdrawal set day = day - 1 where guild = $1', [guildId]);
    assert.equal(await verdictOf(act(limited, guildId, bob, { type: 'withdraw', ...gold(10) })), 'done');
  });

  it('[GU6] the leader ends it whoever has joined meanwhile, and everybody is free', async () => {
    const [ann, bob, cat] = (await cluster.manyPlayers(3)) as [PlayerId, PlayerId, PlayerId];
    const guildId = await found(one, ann);
    await enlist(cluster, guildId, [bob]);
    await one.features.guilds.look(guildId);
    // Not told to the process that disbands: its list of members is old.
    await enlist(cluster, guildId, [cat]);
    await act(one, guildId, ann, { type: 'disband' });
    assert.deepEqual(await Promise.all([ann, bob, cat].map(guildOf)), [null, null, null]);
    assert.equal(await verdictOf(act(other, guildId, bob, { type: 'motd', motd: '' })), 'GUILD_NOT_FOUND');
  });

  it('[GU7] the log has all of it without gaps, in pages, for ranks that may', async () => {
    const [ann, bob, eve] = (await cluster.manyPlayers(3)) as [PlayerId, PlayerId, PlayerId];
    const guildId = await found(one, ann);
    await enlist(cluster, guildId, [bob]);
    await Promise.all(Array.from({ length: 60 }, (_, at) => act(one, guildId, ann, { type: 'motd', motd: `No ${at}` })));
    const { guilds } = one.features;
    const newest = await guilds.log(guildId, ann, Number.MAX_SAFE_INTEGER, 40);
    const rest = await guilds.log(guildId, ann, newest.at(-1)?.seq ?? 0, 40);
    assert.deepEqual([...newest, ...rest].map(({ seq }) => seq), Array.from({ length: 61 }, (_, at) => 61 - at));
    assert.deepEqual([rest.at(-1)?.event, (await guilds.whole(guildId))?.guild.log.length], ['create', 50]);
    assert.equal(await verdictOf(guilds.log(guildId, bob, 10, 10)), 'GUILD_FORBIDDEN');
    assert.equal(await verdictOf(guilds.log(guildId, eve, 10, 10)), 'GUILD_FORBIDDEN');
  });

  it('[GA4] a command acts once, through whatever process, and another request by it is refused', async () => {
    const [ann] = (await cluster.manyPlayers(1)) as [PlayerId];
    const guildId = await found(one, ann);
    await cluster.mint(ann, 10);
    const id = randomUUID();
    const deposit = (process: GuildProcess, quantity = 4) => act(process, guildId, ann, { type: 'deposit', ...gold(quantity) }, id);
    const answers = await Promise.all([deposit(one), deposit(other), deposit(one)]);
    assert.deepEqual([new Set(answers.map(({ version }) => version)).size, await balance(guildId)], [1, 4]);
    assert.deepEqual(await deposit(other), answers[0]);
    assert.equal(await verdictOf(deposit(other, 5)), 'COMMAND_REUSED');
    assert.deepEqual(await one.features.idempotency.outcome(ann, id as never), { known: true, answer: answers[0] });
  });

  it('[GN1] many actions are one message, with all that they changed', async () => {
    const bus = memoryBus();
    const published: string[] = [];
    const process = startProcess(cluster.storage, { bus: { ...bus, publish: (channel, key, event) => (published.push(channel), bus.publish(channel, key, event)) } });
    const [ann, ...members] = (await cluster.manyPlayers(20)) as [PlayerId, ...PlayerId[]];
    const guildId = await found(process, ann);
    await enlist(cluster, guildId, members);
    await Promise.all(members.map((player) => cluster.mint(player, 1)));
    const heard: GuildNews[] = [];
    for (let at = 0; at < 20; at++) process.features.guilds.listen(guildId, (news) => heard.push(news));
    published.length = 0;
    await Promise.all(members.map((player) => act(process, guildId, player, { type: 'deposit', ...gold(1) })));
    assert.equal(published.filter((channel) => channel === 'guild').length, 1);
    const [news] = heard;
    assert.ok(heard.length === 20 && news?.type === 'changed');
    assert.deepEqual([news.log.length, news.bank?.set.fungibles, news.version], [19, { gold: 19 }, 2]);
  });

  it('[SH6] a guild moves with everything of it while its members act, and so do invitations, names and members', async () => {
    const [ann, bob, cat] = (await cluster.manyPlayers(3)) as [PlayerId, PlayerId, PlayerId];
    const guildId = await found(one, ann, 'The Movers', 'MOV');
    await enlist(cluster, guildId, [bob]);
    await Promise.all([ann, bob].map((player) => cluster.mint(player, 1_000)));
    const sword = await cluster.mintItem(bob);
    await act(one, guildId, bob, { type: 'deposit', items: [sword], fungibles: {} });
    await act(one, guildId, ann, { type: 'invite', subject: cat });
    const mover = slotMover({ shards: cluster.shards, transactOn: transactor({ shards: cluster.shards, reach: () => undefined, onUnfinished: (error) => assert.fail(String(error)) }), reach: () => undefined });
    let acting = true;
    let deposits = 0;
    const actors = [ann, bob].map(async (player, at) => {
      while (acting) if ((await verdictOf(act(at === 0 ? one : other, guildId, player, { type: 'deposit', ...gold(1) }))) === 'done') deposits++;
    });
    const keys = [guildId, 'name:the movers', 'tag:mov', ann, cat];
    for (const target of [3, 0, 2]) await mover.move([...new Set(keys.map(slotOf))].map((slot) => ({ slot, target })));
    acting = false;
    await Promise.all(actors);
    assert.ok(deposits > 0);
    const whole = await one.features.guilds.whole(guildId);
    assert.deepEqual([whole?.guild.bank.fungibles, whole?.guild.bank.items.map(({ id }) => id), whole?.members.length], [{ gold: deposits }, [sword], 2]);
    assert.equal((await cluster.storage.guilds.log(guildId, Number.MAX_SAFE_INTEGER, 10_000)).length, deposits + 3);
    assert.deepEqual(await verifyShards(cluster.shards, 1), []);
    assert.equal(await verdictOf(found(other, cat, 'the MOVERS', 'xyz')), 'GUILD_NAME_TAKEN');
    assert.equal(await verdictOf(act(other, guildId, cat, { type: 'accept' })), 'done');
    assert.equal(await verdictOf(act(other, guildId, ann, { type: 'withdraw', items: [sword], fungibles: gold(1).fungibles })), 'done');
  });
});
