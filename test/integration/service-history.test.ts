import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { RefusalReply } from '../../schema/refusals.ts';
import { assertAuditGreen } from '../kit/economy.ts';
import { commandId, service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinGroup, sitDown, trade } from '../kit/trade.ts';

interface History {
  itemId: string;
  holder: string | null;
  entries: { transactionId: string; reason: string; at: number; giver: string | null; receiver: string | null }[];
}

describe('the history of an item', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    await assertAuditGreen(server);
    await server.stop();
  });

  const history = async (item: string) => (await service(server).call<History>('GET', `/items/${item}/history`)).body;

  it('[SV6] is the chain from the mint over every shard to its holder, and on to the burn', async () => {
    const players = await joinGroup(server, 4, 'distinct');
    const [sword = ''] = await service(server).grant(players[0]?.id ?? '', { items: [{ kind: 'sword' }] });
    for (const [at, giver] of players.entries()) {
      const receiver = players[(at + 1) % players.length];
      assert.ok(receiver);
      const table = await sitDown(giver, receiver);
      await trade(table, { items: [sword] }, {});
      await Promise.all([table.first.leave(), table.second.leave()]);
    }
    const ids = players.map(({ id }) => id);
    const chain = await history(sword.toUpperCase());
    assert.equal(chain.itemId, sword);
    assert.equal(chain.holder, ids[0], 'around the table and back');
    assert.deepEqual(chain.entries.map(({ reason, giver, receiver }) => [reason, giver, receiver]), [['grant', null, ids[0]], ...ids.map((id, at) => ['trade', id, ids[(at + 1) % ids.length]])]);
    assert.equal(new Set(chain.entries.map(({ transactionId }) => transactionId)).size, 5);
    assert.deepEqual(chain.entries.map(({ at }) => at), chain.entries.map(({ at }) => at).toSorted((a, b) => a - b));
    assert.ok(chain.entries.every(({ at }) => Math.abs(at - Date.now()) < 120_000));

    assert.equal((await service(server).call('POST', '/burns', { commandId: commandId(), playerId: ids[0], items: [sword] })).status, 200);
    const burnt = await history(sword);
    assert.equal(burnt.holder, null);
    assert.deepEqual(burnt.entries.slice(0, 5), chain.entries);
    assert.deepEqual([burnt.entries[5]?.reason, burnt.entries[5]?.giver, burnt.entries[5]?.receiver], ['burn', ids[0], null]);
    await Promise.all(players.map((player) => player.leave()));
  });

  it('[SV6] of an item that never was is a refusal', async () => {
    const { status, body } = await service(server).call<RefusalReply>('GET', `/items/${randomUUID()}/history`);
    assert.deepEqual([status, body.code], [404, 'UNKNOWN_ASSET']);
  });
});
