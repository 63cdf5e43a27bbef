import assert from 'node:assert/strict';
import { FAULT_POINTS, type CommitPoint } from '../../persistence/index.ts';
import { assertAuditGreen, belongings, type Belongings } from '../kit/economy.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { assertBank, bankOf, deposit, foundGuildApart, leaveAll, seatVia, truthOf, withdraw, type Goods, type TestGuild } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { commandId, service, until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const RESOLVED_MAX_MS = 5_000;
/** From here on it has happened. */
const COMMIT_POINT = FAULT_POINTS.indexOf('committed');
const GOLD = 50;
type Way = 'deposit' | 'withdraw';

describe('dupes: a guild whose process is killed', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  /** Goes on, and ends what the dead left. */
  let survivor: TestServer;
  let guild: TestGuild;
  /** Of the cases that this run does: the next one's starts while this one is judged. */
  let doomed: ServersAhead<string> | undefined;

  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    survivor = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, RESOLVER_INTERVAL_MS: '100', VERSION_CHECK_INTERVAL_MS: '300' } });
    guild = await foundGuildApart(survivor);
  });
  after(async () => {
    if (guild) await leaveAll([guild.leader, ...guild.members]);
    await doomed?.stop();
    await survivor?.stop();
    await host?.stop();
    remove();
  });

  const kill = (point: CommitPoint, root?: string) => startServer({ dataDir: folder, env: { SHARD_URLS: shards, FAULT_POINT: `guild:${point}` }, ...(root !== undefined && { root }) });

  /** A sword and 50 gold go into the bank, or out of it, by way of a process that kills itself at the point. */
  async function crashAt(point: CommitPoint, way: Way, doomed: TestServer): Promise<void> {
    const { leader, id } = guild;
    const [sword = ''] = await service(survivor).grant(leader.id, { fungibles: { gold: GOLD }, items: [{ kind: 'sword' }] });
    const goods: Goods = { items: [sword], fungibles: { gold: GOLD } };
    if (way === 'withdraw') await deposit(leader.seat, goods);
    const before = [await belongings(survivor, leader), await bankOf(survivor, id)] as const;
    const lines = (await truthOf(survivor, id))?.log.at(-1)?.seq ?? 0;
    const seat = await seatVia(doomed, leader, id);
    const command = commandId();
    await assert.rejects((way === 'deposit' ? deposit : withdraw)(seat, goods, command), /connection closed/);
    assert.equal((await doomed.exited).signal, 'SIGKILL');
    await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');

    const judge = async () => {
      const [own, bank] = [await belongings(survivor, leader), await bankOf(survivor, id)];
      const found = JSON.stringify([own, bank]);
      const [gives, gets] = way === 'deposit' ? [before[0], before[1]] : [before[1], before[0]];
      const moved = [less(gives, goods), more(gets, goods)];
      if (found === JSON.stringify(before)) return 'none';
      if (found === JSON.stringify(way === 'deposit' ? moved : moved.toReversed())) return 'all';
      throw new Error(`neither all of it nor nothing: ${found}, before ${JSON.stringify(before)}`);
    };
    const result = await judge();
    const logged = async () => ((await truthOf(survivor, id))?.log.at(-1)?.seq ?? 0) - lines;
    assert.equal(await logged(), result === 'all' ? 1 : 0, 'its line in the log');
    // The lost answer is asked for, and then asked for again: one effect, and one answer.
    const answers = [];
    for (let times = 0; times < 2; times++) answers.push(await (way === 'deposit' ? deposit : withdraw)(leader.seat, goods, command));
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual([await judge(), await logged()], ['all', 1], 'one effect');
    await assertAuditGreen(survivor);
    assert.equal(result, FAULT_POINTS.indexOf(point) < COMMIT_POINT ? 'none' : 'all');
    if (way === 'deposit') await withdraw(leader.seat, goods);
    const { items, fungibles } = await belongings(survivor, leader);
    await service(survivor).call('POST', '/burns', { commandId: commandId(), playerId: leader.id, items, fungibles });
    await assertBank(survivor, id, {});
  }

  const cases = FAULT_POINTS.flatMap((point) => (['deposit', 'withdraw'] as const).map((way) => ({ point, way })));
  const titleOf = ({ point, way }: (typeof cases)[number]) => `[CR1] [GA4] dupe 4: killed with -9 at "${point}", a ${way} of a guild on another shard is there whole or not at all, and once`;
  before(function () {
    const running = new Set(this.test?.parent?.tests.map(({ title }) => title));
    const points = new Map(cases.map((one) => [titleOf(one), one.point]).filter(([title]) => running.has(title as string)) as [string, CommitPoint][]);
    doomed = new ServersAhead([...points.keys()], (title) => kill(points.get(title) as CommitPoint));
  });
  for (const one of cases) {
    it(titleOf(one), async () => {
      const server = await doomed!.take(titleOf(one));
      try {
        await crashAt(one.point, one.way, server);
      } finally {
        await server.stop();
      }
    });
  }

  /** The first time, nothing is known of the guild; then the doomed process foresees what it will be. [GA6] */
  async function crashForeseenAt(point: CommitPoint, happens: boolean): Promise<void> {
    const { leader, id } = guild;
    const server = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, FAULT_POINT: `guild:${point}:2` } });
    try {
      await service(survivor).grant(leader.id, { fungibles: { gold: GOLD } });
      const seat = await seatVia(server, leader, id);
      await deposit(seat, { fungibles: { gold: 1 } });
      // Its members are read, and cached.
      assert.equal((await fetch(new URL(`/guilds/${id}`, server.url), { headers: { authorization: `Bearer ${leader.token}` } })).status, 200);
      const lines = (await truthOf(survivor, id))?.log.at(-1)?.seq ?? 0;
      const command = commandId();
      const asked = deposit(seat, { fungibles: { gold: 10 } }, command);
      await assert.rejects(asked, /connection closed/);
      assert.equal((await server.exited).signal, 'SIGKILL');
      await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
      assert.equal((await bankOf(survivor, id)).fungibles['gold'], happens ? 11 : 1);
      const answers = [];
      for (let times = 0; times < 2; times++) answers.push(await deposit(leader.seat, { fungibles: { gold: 10 } }, command));
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual([(await bankOf(survivor, id)).fungibles['gold'], ((await truthOf(survivor, id))?.log.at(-1)?.seq ?? 0) - lines], [11, 1], 'one effect');
      await assertAuditGreen(survivor);
      await withdraw(leader.seat, { fungibles: { gold: 11 } });
      await service(survivor).call('POST', '/burns', { commandId: commandId(), playerId: leader.id, items: [], fungibles: { gold: GOLD } });
      await assertBank(survivor, id, {});
    } finally {
      await server.stop();
    }
  }
  for (const point of FAULT_POINTS.slice(FAULT_POINTS.indexOf('acted'))) {
    it(`[CR1] [GA6] dupe 4: killed with -9 at "${point}", a deposit that was foreseen is there whole or not at all, and once`, () => crashForeseenAt(point, FAULT_POINTS.indexOf(point) >= COMMIT_POINT));
  }

  for (const way of ['deposit', 'withdraw'] as const) {
    it(`dupe 4 goes red with a ${way} at "prepared" when the process is "commits-apart"`, async () => {
      await withMutant('commits-apart', async (root) => {
        const doomed = await kill('prepared', root);
        await assertGoesRed(crashAt('prepared', way, doomed).finally(() => doomed.stop()), /neither all of it nor nothing/);
      });
    });
  }
});

function less({ fungibles, items }: Belongings, goods: Goods): Belongings {
  const gold = (fungibles['gold'] ?? 0) - GOLD;
  return { fungibles: gold === 0 ? {} : { gold }, items: items.filter((item) => !goods.items?.includes(item)) };
}

function more({ fungibles, items }: Belongings, goods: Goods): Belongings {
  return { fungibles: { gold: (fungibles['gold'] ?? 0) + GOLD }, items: [...items, ...(goods.items ?? [])].toSorted() };
}
