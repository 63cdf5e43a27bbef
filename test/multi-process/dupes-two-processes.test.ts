import assert from 'node:assert/strict';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, join, joinPlayer, newClient, service, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { accept, joinGroup, offer, outcomeOf, sitDown } from '../kit/trade.ts';

const VERSIONS_COMPARED_MS = 500;

/** Two processes on the same databases, without a bus between them: what one changes, the other is never told. */
interface Pair {
  first: TestServer;
  second: TestServer;
}

async function onServer(server: TestServer, { id, token }: Pick<TestPlayer, 'id' | 'token'>): Promise<TestPlayer> {
  const client = newClient(server.url, token);
  return { id, token, client, ...(await joinPlayer(client)) };
}

/** 20: the first process dies between the commit of a grant and its answer; the service, whose caller has no session and only the command id, asks again in the second. */
async function grantAnswerLost({ first, second }: Pair): Promise<void> {
  const player = await join(second.url);
  const body = { commandId: commandId(), playerId: player.id, fungibles: { gold: 7 }, items: [{ kind: 'sword' }] };
  await assert.rejects(service(first).call('POST', '/grants', body));
  await first.exited;
  const answers = [];
  for (let time = 0; time < 3; time++) answers.push((await service(second).call<{ items: { id: string }[] }>('POST', '/grants', body)).body);
  await assertHolds(second, player, { fungibles: { gold: 7 }, items: answers[0]?.items.map(({ id }) => id) ?? [] }, 'who was granted');
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[2], answers[0]);
  await assertAuditGreen(second);
}

/**
 * 20: the same with a trade over two shards. The buyer's is the one that has not been told when the buyer asks, in a
 * room that was open all the time in the second process.
 */
async function tradeAnswerLost({ first, second }: Pair): Promise<void> {
  const [seller, guest] = await joinGroup(first, 2, 'distinct');
  assert.ok(seller && guest);
  const buyer = await onServer(second, guest);
  const [sword = ''] = await service(first).grant(seller.id, { items: [{ kind: 'sword' }] });
  const table = await sitDown(seller, guest);
  const revision = await offer(table.first, { items: [sword] });
  const ids = [commandId(), commandId()];
  await accept(table.first, revision, ids[0]);
  assert.equal(await outcomeOf(accept(table.second, revision, ids[1])), 'closed');
  await first.exited;

  const settled = { known: true, answer: { status: 'settled' } };
  assert.deepEqual(await buyer.room.request('command:outcome', { commandId: ids[1] }), settled, "the outcome of the buyer's acceptance");
  const selling = await onServer(second, seller);
  assert.deepEqual(await selling.room.request('command:outcome', { commandId: ids[0] }), settled, "the outcome of the seller's acceptance");
  await assertHolds(second, seller, {}, 'the seller');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  // The id was the lost trade's: it accepts no other one.
  const another = await sitDown(buyer, selling);
  const next = await offer(another.first, { items: [sword] });
  await accept(another.first, next, ids[1]);
  assert.equal(await outcomeOf(accept(another.second, next)), 'COMMAND_REUSED');
  await assertHolds(second, buyer, { items: [sword] }, 'the buyer');
  // Nobody was there to tell the buyer's room: the comparison of versions heals it.
  await Promise.all([selling, buyer].map((player) => assertShown(second, player, VERSIONS_COMPARED_MS + 1_000)));
  await assertAuditGreen(second);
}

describe('dupes: two processes', () => {
  const { folder, remove } = temporaryFolder();
  let host: ShardHost;
  let shards: string;
  let second: TestServer;
  before(async () => {
    host = await startShardHost();
    shards = await host.freshShards();
    second = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, VERSION_CHECK_INTERVAL_MS: String(VERSIONS_COMPARED_MS), RESOLVER_INTERVAL_MS: '300' } });
  });
  after(async () => {
    await second?.stop();
    await host?.stop();
    remove();
  });

  async function withFirst(env: Record<string, string>, scenario: (pair: Pair) => Promise<void>, root?: string): Promise<void> {
    const first = await startServer({ dataDir: folder, env: { SHARD_URLS: shards, ...env }, ...(root !== undefined && { root }) });
    try {
      await scenario({ first, second });
    } finally {
      await first.stop();
    }
  }

  it('[KE1] dupe 20: the answer of a grant is lost, and the service retries in another process', () => withFirst({ FAULT_POINT: 'grant:published' }, grantAnswerLost));
  it('[KE4] dupe 20: the answer of a trade is lost, and the players ask for its outcome in another process', () => withFirst({ FAULT_POINT: 'trade:committed' }, tradeAnswerLost));

  const controls: [string, MutationName, Record<string, string>, (pair: Pair) => Promise<void>, RegExp][] = [
    ['dupe 20', 'commands-forgotten', { FAULT_POINT: 'grant:published' }, grantAnswerLost, /who was granted holds/],
  ];
  for (const [dupe, mutation, env, scenario, symptom] of controls) {
    it(`${dupe} goes red when the first process is "${mutation}"${env['FAULT_POINT'] ? ` and dies at ${env['FAULT_POINT']}` : ''}`, async () => {
      await withMutant(mutation, (root) => withFirst(env, async (pair) => await assertGoesRed(scenario(pair), symptom), root));
    });
  }

  it('dupe 20 goes red when the second process is "outcome-hasty"', async () => {
    await withMutant('outcome-hasty', async (root) => {
      const hasty = await startServer({ dataDir: folder, env: { SHARD_URLS: shards }, root });
      try {
        await withFirst({ FAULT_POINT: 'trade:committed' }, async ({ first }) => await assertGoesRed(tradeAnswerLost({ first, second: hasty }), /the outcome of the buyer/));
      } finally {
        await hasty.stop();
      }
    });
  });
});
