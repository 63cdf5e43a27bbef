import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, assertBank, assertGuildShown, deposit, foundGuild, joinSome, leaveAll, send, truthOf, type TestGuild } from '../kit/guild.ts';
import { commandId, service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';

/** What the attack on guilds found. */
describe('guilds: what nobody had thought of', () => {
  let host: ShardHost;
  let shards: string;
  let server: TestServer;
  let guild: TestGuild;
  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    server = await startServer({ env: { SHARD_URLS: shards, VERSION_CHECK_INTERVAL_MS: '300' } });
    const [founder, member] = await joinSome(server, 2);
    assert.ok(founder && member);
    guild = await foundGuild(founder, [member]);
  });
  after(async () => {
    if (guild) await leaveAll([guild.leader, ...guild.members]);
    await server?.stop();
    await host?.stop();
  });

  const order = async (route: '/grants' | '/burns'): Promise<string> => {
    const { status, body } = await service(server).call<{ code: string }>('POST', route, { commandId: commandId(), playerId: guild.id, fungibles: { gold: 1 } });
    return status === 200 ? 'answered' : body.code;
  };

  it('[GU5] [GU7] a bank is no player: nothing is granted into it, or burned out of it, past the guild and its log', async () => {
    await service(server).grant(guild.leader.id, { fungibles: { gold: 5 } });
    await deposit(guild.leader.seat, { fungibles: { gold: 5 } });
    const outcomes = [await order('/grants'), await order('/burns'), await order('/burns')];
    await delay(600); // versions were compared meanwhile
    await assertGuildShown(server, guild.leader.seat, 0);
    await assertBank(server, guild.id, { fungibles: { gold: 5 } });
    assert.deepEqual(outcomes, ['UNKNOWN_PLAYER', 'UNKNOWN_PLAYER', 'UNKNOWN_PLAYER']);
    await send(guild.leader.seat, 'guild:withdraw', { fungibles: { gold: 5 } });
  });

  it('[GU5] what was counted for tomorrow is not forgotten by a withdrawal whose transaction began today, and had to wait', async () => {
    const [member] = guild.members;
    await service(server).grant(guild.leader.id, { fungibles: { gold: 2_000 } });
    await deposit(guild.leader.seat, { fungibles: { gold: 2_000 } });
    assert.equal(await ask(member!.seat, 'guild:withdraw', { fungibles: { gold: 1_000 } }), 'answered');
    // As if that one had begun after midnight, and this one before.
    await host.onEach(shards, 'update guild_withdrawal set day = day + 1 where guild = $1', [guild.id]);
    const late = await ask(member!.seat, 'guild:withdraw', { fungibles: { gold: 1 } });
    const counted = (await host.onEach<{ gold: number }>(shards, `select (taken->>'gold')::int as gold from guild_withdrawal where guild = $1 and day > (now() at time zone 'utc')::date`, [guild.id])).flat();
    assert.deepEqual([late, counted], ['GUILD_FORBIDDEN', [{ gold: 1_000 }]], 'what is counted for tomorrow');
  });

  it('[GU6] into the bank of a guild that is disbanded nothing is granted', async () => {
    const left = (await truthOf(server, guild.id))?.bank.fungibles ?? {};
    if (Object.keys(left).length > 0) await send(guild.leader.seat, 'guild:withdraw', { fungibles: left });
    await send(guild.leader.seat, 'guild:disband');
    assert.equal(await order('/grants'), 'UNKNOWN_PLAYER');
  });
});
