import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/sdk';
import * as ours from '../../web/client/index.ts';
import { openGateway } from '../browser/gateway.ts';
import { assertAuditGreen, assertHolds, belongings } from '../kit/economy.ts';
import { assertSees, endOf, help, helperOf, holdCommands, isBack, type Helped, type Helper } from '../kit/helped.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { assertSoon } from '../kit/patience.ts';
import { service, until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const VERSIONS_COMPARED_MS = 500;
/** More than one holder may have waiting. */
const FLOOD = 300;

/** Two processes on the same databases, without a bus between them. */
interface Pair {
  first: TestServer;
  second: TestServer;
  shards: string;
}

const refusalsOf = async ({ url }: TestServer, code: string) =>
  Number(new RegExp(`strongroom_refusals_total\\{code="${code}"\\} (\\d+)`).exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0);

async function withHelped(players: Promise<Helped>[], play: (...players: Helped[]) => Promise<void>): Promise<void> {
  const helped = await Promise.all(players);
  try {
    await play(...helped);
  } finally {
    for (const { close } of helped) close();
  }
}

/** The network fails while a gathering waits for its commit. */
async function networkDrop({ first, second, shards }: Pair): Promise<void> {
  const gateway = await openGateway(first.port);
  try {
    await withHelped([help(ours, [gateway.url, second.url])], async (player) => {
      await delay(1_200); // a seat that was held for a moment only is not the SDK's to mend
      const [room] = player.client.player.reconnectionToken?.split(':') ?? [];
      const release = await holdCommands(shards);
      let answered = false;
      const gathering = player.client.zone().request('gather', { nodeId: 'ore-1' }).finally(() => (answered = true));
      await delay(200);
      assert.equal(answered, false, 'it is pending');
      gateway.cut();
      await delay(300);
      await release();
      const { quantity } = await gathering;
      await isBack(player);
      assert.equal(player.client.player.reconnectionToken?.split(':')[0], room);
      assert.deepEqual(player.passed.toSorted(), ['player:dropped', 'player:live', 'zone:dropped', 'zone:live']);
      await assertHolds(first, player, { fungibles: { ore: quantity } });
      await assertSees(player, { ore: quantity });
    });
  } finally {
    await gateway.close();
  }
}

/** The network fails at once after the join, when the SDK itself does not come back: the seat is asked for by its token. */
async function earlyDrop({ first, second }: Pair): Promise<void> {
  const gateway = await openGateway(first.port);
  try {
    await withHelped([help(ours, [gateway.url, second.url])], async (player) => {
      const [room] = player.client.player.reconnectionToken?.split(':') ?? [];
      gateway.cut();
      await until(() => player.passed.includes('player:joining'));
      await isBack(player);
      assert.equal(player.client.player.reconnectionToken?.split(':')[0], room);
    });
  } finally {
    await gateway.close();
  }
}

/** The network goes without a word: no end of it is told, and the server does not know either. */
async function silence({ first }: Pair): Promise<void> {
  const gateway = await openGateway(first.port);
  try {
    await withHelped([help(ours, gateway.url)], async (player) => {
      const [room] = player.client.player.reconnectionToken?.split(':') ?? [];
      gateway.freeze();
      const { quantity } = await player.client.zone().request('gather', { nodeId: 'ore-1' }, { answerMs: 500 });
      await isBack(player);
      assert.equal(player.client.player.reconnectionToken?.split(':')[0], room);
      await assertHolds(first, player, { fungibles: { ore: quantity } });
    });
  } finally {
    await gateway.close();
  }
}

/** The process dies with a gathering, before or after its commit. The player is back through the other, and has gathered once. */
async function gatherThroughDeath({ first, second }: Pair, helper: Helper = ours): Promise<void> {
  await withHelped([help(helper, [first.url, second.url])], async (player) => {
    const { asset, quantity } = await player.client.zone().request('gather', { nodeId: 'ore-1' });
    const { signal } = await first.exited;
    assert.equal(signal, 'SIGKILL');
    await isBack(player);
    assert.equal(asset, 'ore');
    await assertHolds(second, player, { fungibles: { ore: quantity } }, 'who gathered');
    await assertSees(player, { ore: quantity });
    // And it goes on there.
    const more = await player.client.zone().request('gather', { nodeId: 'wood-1' });
    await assertHolds(second, player, { fungibles: { ore: quantity, wood: more.quantity } }, 'who gathered on');
    await assertAuditGreen(second);
  });
}

/** The process of a trade dies as it settles. @returns how the acceptance ended that settled it */
async function tradeThroughDeath({ first, second }: Pair): Promise<string> {
  let end = '';
  const endpoints = [first.url, second.url];
  await withHelped([help(ours, endpoints), help(ours, endpoints)], async (seller, buyer) => {
    const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
    const invited = new Promise<string>((resolve) => {
      buyer.client.player.on('trade:invited', ({ tradeId }) => resolve(tradeId));
    });
    const { tradeId } = await seller.client.player.request('trade:invite', { playerId: buyer.id });
    assert.equal(await invited, tradeId);
    const [selling, buying] = [seller.client.trade(tradeId), buyer.client.trade(tradeId)];
    await buying.request('trade:offer', { items: [], fungibles: {} });
    const { revision } = await selling.request('trade:offer', { items: [sword], fungibles: {} });
    assert.deepEqual(await selling.request('trade:accept', { revision }), { status: 'waiting' });
    end = await buying.request('trade:accept', { revision }).then(
      ({ status }) => status,
      (error: unknown) => (error instanceof ours.AnswerLost && error.sent ? 'unknown' : String(error)),
    );
    await first.exited;
    await until(() => buying.status.get().kind === 'gone');
    await Promise.all([isBack(seller), isBack(buyer)]);
    const [holder, other] = end === 'settled' ? [buyer, seller] : [seller, buyer];
    await assertHolds(second, holder, { items: [sword] }, `after "${end}" the one`);
    await assertHolds(second, other, {}, `after "${end}" the other`);
    await assertAuditGreen(second);
  });
  return end;
}

/** The player signs in again, through some server. The older client stops, and its requests end; then it takes the session back. */
async function takenOver({ first, second }: Pair, at: TestServer, helper: Helper = ours): Promise<void> {
  await withHelped([help(helper, [first.url, second.url])], async (older) => {
    const { token } = older.client.servers;
    await withHelped([help(helper, at.url, { id: older.id, token })], async (newer) => {
      const end = await endOf(older.client.zone().request('gather', { nodeId: 'ore-1' }), 10_000);
      await delay(3_000);
      assert.deepEqual(newer.passed, [], `the newer client went through ${newer.passed.join(', ')}`);
      assert.ok(['SESSION_REPLACED', 'unknown', 'not sent'].includes(end), end);
      assert.deepEqual([older.client.player, older.client.zone()].map(({ status }) => status.get().kind), ['replaced', 'replaced']);
      assert.equal(await endOf(older.client.zone().request('gather', { nodeId: 'ore-1' }), 500), 'SESSION_REPLACED');
      await assertHolds(first, older, {});
      assert.equal(await endOf(newer.client.zone().request('gather', { nodeId: 'ore-1' }), 3_000), 'answered');

      older.client.comeBack();
      await isBack(older);
      await until(() => newer.client.player.status.get().kind === 'replaced', 3_000);
      assert.equal(await endOf(older.client.zone().request('gather', { nodeId: 'wood-1' }), 3_000), 'answered');
    });
  });
}

/** Its players lose their seats in a way that leaves them with the server, and cannot have them again. */
class ForgetfulServers extends ours.Servers {
  readonly #rooms = new Map<string, Room>();

  override async joinOrCreate<State>(name: string, options: object = {}): Promise<Room<unknown, State>> {
    const room = await super.joinOrCreate<State>(name, options);
    this.#rooms.set(name, room);
    return room;
  }

  override reconnect(): Promise<never> {
    return Promise.reject(Object.assign(new Error('reconnection token invalid or expired.'), { code: 524 }));
  }

  loseSeat(name: string): void {
    const room = this.#rooms.get(name) as Room;
    room.reconnection.enabled = false;
    (room.connection.transport as unknown as { ws: { close(): void } }).ws.close();
  }
}

describe('the client helper', function () {
  this.timeout(120_000);
  const { folder, remove } = temporaryFolder();
  const { info, warn } = console;
  let host: ShardHost;
  let shards: string;
  let second: TestServer;
  const catalog = path.join(folder, 'catalog.yaml');
  const env = () => ({ SHARD_URLS: shards, CATALOG_PATH: catalog, VERSION_CHECK_INTERVAL_MS: String(VERSIONS_COMPARED_MS), RESOLVER_INTERVAL_MS: '300' });
  before(async () => {
    // The SDK tells of every connection that it lost, which is what is tested here.
    console.info = console.warn = () => undefined;
    // Wherever one stands, everything is within reach, and grows back at once.
    writeFileSync(catalog, readFileSync('catalog.yaml', 'utf8').replaceAll(/cooldownMs: \d+/g, 'cooldownMs: 1').replaceAll(/reach: \d+/g, 'reach: 1000'));
    host = await startShardHost();
    shards = await host.freshShards();
    second = await startServer({ dataDir: folder, env: env() });
  });
  after(async () => {
    await second?.stop();
    await host?.stop();
    remove();
    Object.assign(console, { info, warn });
  });

  async function withFirst(extra: Record<string, string>, scenario: (pair: Pair) => Promise<unknown>): Promise<void> {
    const first = await startServer({ dataDir: folder, env: { ...env(), ...extra } });
    try {
      await scenario({ first, second, shards });
    } finally {
      await first.stop();
    }
  }

  describe('when the network fails', () => {
    it('[CL2] has its seats again, and its pending gathering is answered once', () => withFirst({}, networkDrop));
    it('[CL2] asks for its seat by its token when the SDK does not come back', () => withFirst({}, earlyDrop));
    it('[CL2] notices a network that goes without a word, when an answer does not come', () => withFirst({}, silence));
  });

  describe('when its process dies', () => {
    it('[CL5] is back through the other with what it held', () =>
      withFirst({}, async ({ first }) => {
        await withHelped([help(ours, [first.url, second.url])], async (player) => {
          await service(first).grant(player.id, { fungibles: { gold: 7 } });
          const killed = performance.now();
          await first.kill('SIGKILL');
          await until(() => player.passed.includes('player:joining'), 8_000);
          await isBack(player, 8_000);
          assertSoon(performance.now() - killed, 8_000, 'the way back');
          await assertSees(player, { gold: 7 });
        });
      }));

    for (const point of ['locked', 'committed', 'published']) {
      it(`[CL3] has gathered once, when it died at "${point}"`, () => withFirst({ FAULT_POINT: `gather:${point}` }, gatherThroughDeath));
    }

    it('goes red when the helper has "fresh-command-ids"', () =>
      withMutant('fresh-command-ids', async (root) => {
        const helper = await helperOf(root);
        await withFirst({ FAULT_POINT: 'gather:published' }, (pair) => assertGoesRed(gatherThroughDeath(pair, helper), /who gathered holds/));
      }));

    it('[CL3] knows that a trade settled, when it died at "committed"', () =>
      withFirst({ FAULT_POINT: 'trade:committed' }, async (pair) => assert.equal(await tradeThroughDeath(pair), 'settled')));
    it('[CL3] says that the outcome of a trade is unknown, when it died at "locked"', () =>
      withFirst({ FAULT_POINT: 'trade:locked' }, async (pair) => assert.equal(await tradeThroughDeath(pair), 'unknown')));
  });

  describe('when its process shuts down', () => {
    it('[CL5] joins the other by itself, and goes on there', () =>
      withFirst({}, async ({ first }) => {
        await withHelped([help(ours, [first.url, second.url])], async (player) => {
          const stopping = first.kill('SIGTERM');
          await until(() => player.passed.includes('player:joining'));
          const { quantity } = await player.client.zone().request('gather', { nodeId: 'wood-1' });
          await stopping;
          await isBack(player);
          assert.ok(!player.passed.some((status) => /replaced|lost|gone/.test(status)), player.passed.join(' '));
          await assertHolds(second, player, { fungibles: { wood: quantity } });
        });
      }));

    it('[CL1] signs in through the next server when the first is gone', () =>
      withFirst({}, async ({ first }) => {
        await first.kill('SIGTERM');
        await withHelped([help(ours, [first.url, second.url])], async (player) => {
          assert.deepEqual(await belongings(second, player), { fungibles: {}, items: [] });
        });
      }));
  });

  describe('when its session is taken over', () => {
    it('[CL6] in the same process: stops, and comes back when it is told to', () => withFirst({}, (pair) => takenOver(pair, pair.first)));
    it('[CL6] in another process: stops, and comes back when it is told to', () => withFirst({}, (pair) => takenOver(pair, pair.second)));

    it('goes red when the helper "fights-for-session"', () =>
      withMutant('fights-for-session', async (root) => {
        const helper = await helperOf(root);
        await withFirst({}, (pair) => assertGoesRed(takenOver(pair, pair.first, helper), /the newer client went through/));
      }));

    it('[CL6] by a newer one of its own: keeps its seat in the zone, and writes from it', () =>
      withFirst({}, async ({ first }) => {
        const servers = new ForgetfulServers({ endpoints: first.url });
        await withHelped([help(ours, servers)], async (player) => {
          servers.loseSeat('player');
          await until(() => player.passed.includes('player:live'));
          assert.equal(await endOf(player.client.zone().request('gather', { nodeId: 'ore-1' }), 10_000), 'answered');
          await delay(500);
          assert.deepEqual(player.passed, ['player:dropped', 'player:joining', 'player:live']);
        });
      }));
  });

  describe('when the server says no', () => {
    it('[CL4] asks again after BUSY', () =>
      withFirst({}, async ({ first }) => {
        await withHelped([help(ours, first.url)], async (player) => {
          const release = await holdCommands(shards);
          let refused = 0;
          const flood = Array.from({ length: FLOOD }, () => service(first).grant(player.id, { fungibles: { gold: 1 } }).catch(() => refused++));
          let gathering: Promise<{ quantity: number }> | undefined;
          try {
            await until(() => refused > 0, 20_000, 'the line of this player is full');
            gathering = player.client.zone().request('gather', { nodeId: 'ore-1' });
            await until(async () => (await refusalsOf(first, 'BUSY')) > 0, 20_000);
          } finally {
            await release();
            await Promise.all(flood);
          }
          const { quantity } = await gathering;
          assert.equal((await belongings(first, player)).fungibles['ore'], quantity);
        });
      }));

    it('[CL4] asks once after another refusal', () =>
      withFirst({}, async ({ first }) => {
        await withHelped([help(ours, first.url)], async (player) => {
          assert.equal(await endOf(player.client.zone().request('gather', { nodeId: 'nowhere' }), 2_000), 'BAD_REQUEST');
          assert.equal(await endOf(player.client.player.request('trade:invite', { playerId: player.id }), 2_000), 'TRADE_SELF');
          assert.deepEqual([await refusalsOf(first, 'BAD_REQUEST'), await refusalsOf(first, 'TRADE_SELF')], [1, 1]);
        });
      }));
  });
});
