import assert from 'node:assert/strict';
import { FAULT_POINTS, type CommitPoint } from '../../persistence/index.ts';
import { shardOfSlot, slotOf } from '../../persistence/slots.ts';
import { ServersAhead } from '../kit/ahead.ts';
import { assertAuditGreen, belongings } from '../kit/economy.ts';
import { ops } from '../kit/ops.ts';
import { commandId, service, signIn, until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { joinGroup, sitDown, trade } from '../kit/trade.ts';

const SHARDS = 4;
const RESOLVED_MAX_MS = 5_000;
const COMMIT_POINT = FAULT_POINTS.indexOf('committed');
/** What has no economy under its locks passes only the points of a commit. */
const OF_A_COMMIT: readonly CommitPoint[] = ['prepared-first', 'prepared', 'committed', 'finished-first', 'finished'];

/** One deed, over several shards: what a process that died in it left is all of it or nothing, and the same again does it. */
interface Deed {
  name: string;
  /** What its fault points are named by. */
  label: string;
  /** Makes what it needs. @returns how to ask a server for it, and whether all of it, nothing or a part is there */
  prepare(): Promise<{ ask(server: TestServer): Promise<unknown>; look(): Promise<'all' | 'none' | 'part'> }>;
}

describe('support whose process is killed', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  let survivor: TestServer;
  let doomed: ServersAhead<string> | undefined;

  const allOrPart = (found: readonly boolean[]): 'all' | 'none' | 'part' => (found.every(Boolean) ? 'all' : found.some(Boolean) ? 'part' : 'none');
  const entryOf = async (target: string) => (await ops(survivor).entries('?limit=200')).some((entry) => entry.target === target);

  const deeds: Deed[] = [
    {
      name: 'a pause', label: 'support',
      async prepare() {
        const id = commandId();
        await ops(survivor).pause('gem', false);
        const before = (await ops(survivor).entries('?limit=200')).length;
        return {
          ask: (server) => ops(server).pause('gem', true, id),
          look: async () => allOrPart([
            ...(await host.onEach(shards, `select 1 from pause where asset = 'gem'`, [])).map((rows) => rows.length === 1),
            (await ops(survivor).entries('?limit=200')).length === before + 1,
          ]),
        };
      },
    },
    {
      name: 'a freeze', label: 'support',
      async prepare() {
        const { id: playerId } = await signIn(survivor.url);
        // The entry is on another shard than the player: over one shard there is nothing to prepare.
        const id = elsewhere((await service(survivor).player(playerId)).shard, commandId);
        return { ask: (server) => ops(server).freeze(playerId, true, id), look: async () => allOrPart([(await ops(survivor).file(playerId)).frozen, await entryOf(playerId)]) };
      },
    },
    {
      name: 'a reversal', label: 'reversal',
      async prepare() {
        const pair = await joinGroup(survivor, 2, 'distinct');
        const [ann, ben] = pair as [typeof pair[number], typeof pair[number]];
        await service(survivor).grant(ann.id, { fungibles: { gold: 9 } });
        await trade(await sitDown(ann, ben), { fungibles: { gold: 7 } }, {});
        const transactionId = (await ops(survivor).file(ann.id)).deeds[0]!.transactionId;
        await Promise.all(pair.map((player) => player.leave()));
        return {
          ask: async (server) => {
            const { status, body } = await ops(server).reverse(transactionId);
            if (status !== 200) throw new Error(JSON.stringify(body));
          },
          look: async () => allOrPart([(await belongings(survivor, ann)).fungibles['gold'] === 9, (await belongings(survivor, ben)).fungibles['gold'] === undefined, (await ops(survivor).trade(transactionId)).reversed !== null]),
        };
      },
    },
    {
      name: 'an erasure', label: 'erase',
      async prepare() {
        const { client, id: playerId } = await signIn(survivor.url, 'Forgotten');
        const { shard } = await service(survivor).player(playerId);
        const email = elsewhere(shard, () => `${commandId()}@example.com`);
        await client.auth.registerWithEmailAndPassword(email, 'a password of enough letters');
        return {
          ask: async (server) => {
            const { status, body } = await service(server).call('DELETE', `/players/${playerId}`);
            if (status !== 200) throw new Error(JSON.stringify(body));
          },
          look: async () => allOrPart([
            (await service(survivor).call('GET', `/players/${playerId}`)).status === 404,
            (await host.onEach(shards, `select 1 from account where login = $1`, [email])).flat().length === 0,
            await entryOf(playerId),
          ]),
        };
      },
    },
  ];

  /** A key that lives on another shard. */
  function elsewhere(shard: number, make: () => string): string {
    for (;;) {
      const key = make();
      if (shardOfSlot(slotOf(key), SHARDS) !== shard) return key;
    }
  }

  const cases = deeds.flatMap((deed) => OF_A_COMMIT.map((point) => ({ deed, point })));
  const titleOf = ({ deed, point }: (typeof cases)[number]) => `[CR1] [OP1] killed with -9 at "${point}", ${deed.name} is there whole or not at all, and once`;

  before(async function () {
    host = await startShardHost();
    shards = await host.freshShards();
    survivor = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, RESOLVER_INTERVAL_MS: '100' } });
    const running = new Set(this.test?.parent?.tests.map(({ title }) => title));
    const specs = new Map(cases.filter((one) => running.has(titleOf(one))).map((one) => [titleOf(one), `${one.deed.label}:${one.point}`]));
    doomed = new ServersAhead([...specs.keys()], (title) => startServer({ dataDir: folder, env: { SHARD_URLS: shards, FAULT_POINT: specs.get(title)! } }));
  });
  after(async () => {
    await doomed?.stop();
    await survivor?.stop();
    await host?.stop();
    remove();
  });

  for (const one of cases) {
    it(titleOf(one), async () => {
      const { ask, look } = await one.deed.prepare();
      const server = await doomed!.take(titleOf(one));
      assert.equal(await look(), 'none');
      await assert.rejects(ask(server), /fetch failed|other side closed|terminated/);
      assert.equal((await server.exited).signal, 'SIGKILL');
      await until(async () => (await host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
      assert.equal(await look(), FAULT_POINTS.indexOf(one.point) < COMMIT_POINT ? 'none' : 'all');
      for (let times = 0; times < 2; times++) {
        await ask(survivor);
        assert.equal(await look(), 'all', 'the same again does it, once');
      }
      await assertAuditGreen(survivor);
    });
  }
});
