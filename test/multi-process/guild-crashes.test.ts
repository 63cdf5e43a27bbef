import assert from 'node:assert/strict';
import { FAULT_POINTS, type CommitPoint } from '../../persistence/index.ts';
import { nameKeys } from '../../persistence/guilds/guild-store.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { assertAuditGreen } from '../kit/economy.ts';
import { accept, ask, assertInOne, foundGuildApart, freshName, leaveAll, seatVia, send, truthOf, type TestGuild } from '../kit/guild.ts';
import { login } from '../kit/login.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { joinOn, shardOf } from '../kit/one-commit.ts';
import { commandId, joinPlayer, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { outcomeOf } from '../kit/trade.ts';

const RESOLVED_MAX_MS = 5_000;
/** From here on it has happened. */
const COMMIT_POINT = FAULT_POINTS.indexOf('committed');
/** Those of a transaction that is no settlement. */
const FOUNDING_POINTS = FAULT_POINTS.slice(FAULT_POINTS.indexOf('prepared-first'), FAULT_POINTS.indexOf('published'));

describe('guilds: a process is killed while one is founded, and while somebody is removed', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  /** Goes on, and ends what the dead left. */
  let survivor: TestServer;
  /** Its leader, its own rows and whoever joins it are on three shards. */
  let guild: TestGuild;
  let third: number;
  let doomed: ServersAhead<string> | undefined;

  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    survivor = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, RESOLVER_INTERVAL_MS: '100', VERSION_CHECK_INTERVAL_MS: '300' } });
    guild = await foundGuildApart(survivor);
    third = [0, 1, 2, 3].find((shard) => shard !== shardOf(guild.id) && shard !== shardOf(guild.leader.id)) ?? 0;
  });
  after(async () => {
    if (guild) await leaveAll([guild.leader]);
    await doomed?.stop();
    await survivor?.stop();
    await host?.stop();
    remove();
  });

  const kill = (spec: string, root?: string) => startServer({ dataDir: folder, env: { SHARD_URLS: shards, FAULT_POINT: spec }, ...(root !== undefined && { root }) });

  async function assertKilled(server: TestServer): Promise<void> {
    assert.equal((await server.exited).signal, 'SIGKILL');
    await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
  }

  /** The founder's row, the guild with its bank, its name and its tag are on up to four shards, and on two at least. */
  async function foundingAt(point: CommitPoint, server: TestServer): Promise<void> {
    const signedIn = await signIn(server.url, 'Founder');
    const founder: TestPlayer = { ...signedIn, ...(await joinPlayer(signedIn.client)) };
    let named = freshName();
    while (nameKeys(named).every((key) => shardOf(key) === shardOf(founder.id))) named = freshName();
    const body = { commandId: commandId(), ...named };
    await assert.rejects(founder.room.request('guild:create', body), /connection closed/);
    await assertKilled(server);

    const back = await login(survivor, founder);
    const { guildId: founded } = await service(survivor).player(founder.id);
    const again = () => back.room.request<unknown, { guildId: string }>('guild:create', body).catch((error: { reason?: { code?: string } }) => assert.fail(`the same command again is refused: ${error.reason?.code}`));
    const answers = [];
    for (let times = 0; times < 2; times++) answers.push(await again());
    assert.deepEqual(answers[1], answers[0], 'the answer of the same command');
    const { guildId } = answers[0]!;
    assert.equal(await assertInOne(survivor, founder, [guildId]), guildId);
    const { name, tag, members } = (await truthOf(survivor, guildId))!;
    assert.deepEqual({ name, tag, members: members.map(({ playerId, rank }) => [playerId, rank]) }, { ...named, members: [[founder.id, 'leader']] });
    const other = await joinPlayer((await signIn(survivor.url, 'Other')).client);
    assert.equal(await outcomeOf(other.room.request('guild:create', { commandId: commandId(), ...named })), 'GUILD_NAME_TAKEN');
    await leaveAll([back, other]);
    await assertAuditGreen(survivor);
    assert.equal(founded === null, FAULT_POINTS.indexOf(point) < COMMIT_POINT, `founded: ${founded}`);
  }

  async function removalAt(point: CommitPoint, server: TestServer): Promise<void> {
    const { leader, id } = guild;
    const [member] = await joinOn(survivor, [third]);
    assert.equal(new Set([id, leader.id, member!.id].map(shardOf)).size, 3);
    await send(leader.seat, 'guild:invite', { playerId: member!.id });
    assert.equal(await accept(member!, id), 'answered');
    const lines = async () => (await truthOf(survivor, id))?.log.at(-1)?.seq ?? 0;
    const before = await lines();
    const body = { playerId: member!.id };
    const command = commandId();
    const seat = await seatVia(server, leader, id);
    assert.equal(await ask(seat, 'guild:kick', body, command), 'closed');
    await assertKilled(server);

    const found = await assertInOne(survivor, member!, [id]);
    assert.equal((await lines()) - before, found === null ? 1 : 0, 'its line in the log');
    const answers = [];
    for (let times = 0; times < 2; times++) answers.push(await send(leader.seat, 'guild:kick', body, command));
    assert.deepEqual(answers[1], answers[0], 'the answer of the same command');
    assert.deepEqual([await assertInOne(survivor, member!, [id]), (await lines()) - before], [null, 1], 'one effect');
    await leaveAll([member!]);
    await assertAuditGreen(survivor);
    assert.equal(found === null, FAULT_POINTS.indexOf(point) >= COMMIT_POINT);
  }

  interface Case {
    title: string;
    spec: string;
    run: (server: TestServer) => Promise<void>;
  }
  const cases: Case[] = [
    ...FOUNDING_POINTS.map((point) => ({ title: `[CR1] [GU1] killed with -9 at "${point}", a founding is there whole or not at all, and once`, spec: `guild-create:${point}`, run: (server: TestServer) => foundingAt(point, server) })),
    ...FAULT_POINTS.map((point) => ({ title: `[CR1] [GA4] killed with -9 at "${point}", a removal over three shards is there whole or not at all, and once`, spec: `guild:${point}`, run: (server: TestServer) => removalAt(point, server) })),
  ];
  before(function () {
    const running = new Set(this.test?.parent?.tests.map(({ title }) => title));
    const own = new Map(cases.map(({ title, spec }) => [title, spec]));
    doomed = new ServersAhead([...own.keys()].filter((title) => running.has(title)), (title) => kill(own.get(title) ?? ''));
  });
  for (const { title, run } of cases) {
    it(title, async () => {
      const server = await doomed!.take(title);
      try {
        await run(server);
      } finally {
        await server.stop();
      }
    });
  }

  for (const [what, spec, run] of [['founding', 'guild-create:prepared', foundingAt], ['removal', 'guild:prepared', removalAt]] as const) {
    it(`a ${what} goes red at "prepared" when the process is "commits-apart"`, async () => {
      await withMutant('commits-apart', async (root) => {
        const server = await kill(spec, root);
        await assertGoesRed(run('prepared', server).finally(() => server.stop()), /guilds, and its own row says|in the log|the same command|GUILD_NAME_TAKEN|the audit is red: O:/);
      });
    });
  }
});
