import assert from 'node:assert/strict';
import { FAULT_POINTS, MOVE_POINTS, openResharding, type FaultPoint } from '../../persistence/index.ts';
import { closeShards, migrateShards, openShards } from '../../persistence/cluster.ts';
import { slotOf } from '../../persistence/slots.ts';
import { openStorage } from '../../persistence/storage.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { movement, redInvariants, settleOne, verdictOf } from '../kit/cluster.ts';
import { assertAuditGreen, assertShown, belongings } from '../kit/economy.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { startShardsCommand } from '../kit/shards-command.ts';
import { isStopped } from '../kit/is-stopped.ts';
import { attempt, joinGroup, sitDown } from '../kit/trade.ts';

/** From the death of whoever moved slots to players who trade again, and to nothing that is prepared. */
const AGAIN_MAX_MS = 5_000;
const RESOLVED_MAX_MS = 2_000 + 1_000;
const STARTED_WITHIN_MS = 20_000;
/** What the commit of a flip passes, and what the move passes around it. */
const POINTS: readonly FaultPoint[] = [...new Set<FaultPoint>([...MOVE_POINTS, ...FAULT_POINTS.filter((point) => ['prepared-first', 'finished-first'].includes(point))])];
const GOLD = 100_000;

/** Two players who trade on and on; what they may hear meanwhile is that it was busy. */
class Traders {
  settled = 0;
  readonly refused: string[] = [];
  #going = true;
  readonly #done: Promise<void>;

  constructor(first: TestPlayer, second: TestPlayer) {
    this.#done = this.#trade(first, second);
  }

  async #trade(first: TestPlayer, second: TestPlayer): Promise<void> {
    while (this.#going) {
      const table = await sitDown(first, second);
      const outcome = await attempt(table, { fungibles: { gold: 1 } }, { fungibles: { ore: 1 } });
      if (outcome === 'settled') this.settled++;
      else this.refused.push(outcome);
      await Promise.all([table.first.leave(), table.second.leave()]);
    }
  }

  async again(what: string): Promise<void> {
    const before = this.settled;
    await until(() => this.settled > before + 1, AGAIN_MAX_MS, `they trade again: ${what}`);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}

describe('somebody who moves slots is killed while their players trade', () => {
  let host: ShardHost;
  let server: TestServer;
  let urls: string[];
  let members: TestPlayer[];
  let traders: Traders;
  before(async () => {
    host = await startShardHost();
    const shards = await host.freshShards();
    urls = shards.split(',');
    server = await startServer({ env: { SHARD_URLS: shards, RESOLVER_INTERVAL_MS: '200' } });
    members = await joinGroup(server, 2, 'same');
    for (const [at, member] of members.entries()) await service(server).grant(member.id, { fungibles: { [at === 0 ? 'gold' : 'ore']: GOLD }, items: [{ kind: 'sword' }] });
    traders = new Traders(members[0]!, members[1]!);
  });
  after(async () => {
    await traders?.stop();
    await server?.stop();
    await host?.stop();
  });

  for (const point of POINTS) {
    it(`[CR5] dupe 9 and dupe 27: killed with -9 at "${point}", they trade on, and who moves them next ends it`, async () => {
      const slots = [...new Set(members.map(({ id }) => slotOf(id)))].map(String);
      const { shard } = await service(server).player(members[0]!.id);
      const target = (shard + 1) % urls.length;
      const { signal, output } = await startShardsCommand(urls, ['move', ...slots, '--to', String(target)], { faultPoint: `move:${point}` }).ended;
      assert.equal(signal, 'SIGKILL', output);
      await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
      await traders.again('after the kill');
      await assertAuditGreen(server);

      const again = await startShardsCommand(urls, ['move', ...slots, '--to', String(target)]).ended;
      assert.equal(again.code, 0, again.output);
      for (const { id } of members) assert.equal((await service(server).player(id)).shard, target);
      await traders.again('after the move');
    });
  }

  it('[CR5] dupe 10: in all of it nobody was told anything that is not so', async () => {
    await traders.stop();
    const [first, second] = members as [TestPlayer, TestPlayer];
    const { settled, refused } = traders;
    assert.deepEqual(refused.filter((code) => code !== 'BUSY' && code !== 'CONCURRENT_MODIFICATION'), []);
    assert.deepEqual((await belongings(server, first)).fungibles, { gold: GOLD - settled, ore: settled });
    assert.deepEqual((await belongings(server, second)).fungibles, { gold: settled, ore: GOLD - settled });
    for (const member of members) await assertShown(server, member);
    await assertAuditGreen(server);
    const verified = await startShardsCommand(urls, ['verify']).ended;
    assert.equal(verified.code, 0, verified.output);
  });
});

/** One cluster per point on one PostgreSQL, so that one power cut strikes a move at every point. */
describe('PostgreSQL stops like by a power cut under whoever moves slots', () => {
  const names = POINTS.map((_, at) => [`first_${at}`, `second_${at}`]);
  let host: MortalHost;
  before(async () => {
    host = await MortalHost.start(names.flat(), { max_connections: 500 });
  });
  after(() => host?.stop());

  it('[CR5] dupe 26: at each of the points, the next one ends it, and everything is there once', async () => {
    const scenes = POINTS.map((point, at) => ({ point, urls: host.urls.slice(2 * at, 2 * at + 2) }));
    const open = async (of: readonly string[]) => {
      const shards = await openShards(of, 4);
      await migrateShards(shards);
      return { shards, storage: await openStorage(shards, { reach: () => undefined, onUnfinished: () => undefined }) };
    };
    const moved = await Promise.all(scenes.map(async ({ point, urls }) => {
      const { shards, storage } = await open(urls);
      const players = await Promise.all(Array.from({ length: 8 }, () => storage.players.create({ name: 'Moved', region: 'eu' })));
      const pay = (giver: PlayerId | null, receiver: PlayerId, quantity: number) => movement([{ asset: 'gold', quantity, giver, receiver }]);
      for (const player of players) assert.equal(verdictOf(await settleOne(storage, pay(null, player, 100))), 'committed');
      const slots = [...new Set(players.map(slotOf))];
      await closeShards(shards);
      return { point, urls, players, slots, pay };
    }));
    const commands = moved.map(({ point, urls, slots }) => startShardsCommand(urls, ['move', ...slots.map(String), '--to', '1'], { faultPoint: `move:${point}:pause` }));
    for (const { pid } of commands) await until(() => isStopped(pid), STARTED_WITHIN_MS, 'whoever moves stands still');
    await host.crash();
    await host.revive();
    for (const { pid } of commands) process.kill(pid, 'SIGCONT');
    const ends = await Promise.all(commands.map(({ ended }) => ended));
    for (const { signal, output } of ends) assert.equal(signal, null, output);
    for (const { point, urls, players, slots, pay } of moved) {
      // As the command does it when it is run again.
      const next = await openResharding(urls, () => undefined);
      await next.finish();
      await next.move(await next.planMove(slots, 1));
      assert.deepEqual(await next.verify(), [], point);
      await next.close();
      const { shards, storage } = await open(urls);
      assert.equal(verdictOf(await settleOne(storage, pay(players[0] as PlayerId, players[1] as PlayerId, 1))), 'committed');
      const records = await storage.holdings.players(players);
      assert.deepEqual(players.map((player) => [records.get(player)?.shard, records.get(player)?.fungibles['gold']]), players.map((_, at) => [1, [99, 101][at] ?? 100]), point);
      assert.deepEqual(await redInvariants(storage), [], point);
      await closeShards(shards);
    }
    assert.deepEqual(await host.prepared(), []);
  });
});
