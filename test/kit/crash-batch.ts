import assert from 'node:assert/strict';
import { GOLD, judge, ORE, type Recovery } from './crash.ts';
import { assertAuditGreen, belongings, type Belongings } from './economy.ts';
import { prepareDeal, settleTogether, PLUGS, type Deal } from './one-commit.ts';
import { joinPlayer, newClient, service, until, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';
import type { ShardHost } from './shard-host.ts';
import { accept } from './trade.ts';

/** From the start of the new process on. */
const RESOLVED_MAX_MS = 5_000;

type Members = [Pick<TestPlayer, 'id' | 'token'>, Pick<TestPlayer, 'id' | 'token'>];

export interface BatchSite {
  host: ShardHost;
  shards: string;
  /** The first of them keep the commit queue busy until the others are together in one commit. */
  pairs: Members[];
}

interface Crashed {
  deals: (Deal & { members: Members; sword: string; before: readonly [Belongings, Belongings]; outcome: string })[];
}

async function login(server: TestServer, { pairs }: BatchSite): Promise<[TestPlayer, TestPlayer][]> {
  const enter = async ({ id, token }: Members[0]): Promise<TestPlayer> => {
    const client = newClient(server.url, token);
    return { id, token, client, ...(await joinPlayer(client)) };
  };
  return await Promise.all(pairs.map(([first, second]) => Promise.all([enter(first), enter(second)])));
}

/** Fills one commit with a trade of each pair, of a sword and 50 gold for 3 ore; at its point the process kills itself. */
export async function crashBatch(armed: TestServer, site: BatchSite): Promise<Crashed> {
  try {
    const pairs = await login(armed, site);
    const swords: string[] = [];
    for (const [first, second] of pairs) {
      // One by one: grants that commit together would reach the point, too.
      swords.push(...(await service(armed).grant(first.id, { fungibles: { gold: GOLD + 1 }, items: [{ kind: 'sword' }] })));
      await service(armed).grant(second.id, { fungibles: { ore: ORE + 1 } });
    }
    const prepared = await Promise.all(pairs.map(async ([first, second], at) => {
      const [members, sword]: [Members, string] = [[first, second], swords[at] ?? ''];
      const before = [await belongings(armed, first), await belongings(armed, second)] as const;
      return { members, sword, before, ...(await prepareDeal(first, second, { items: [sword], fungibles: { gold: GOLD } }, { fungibles: { ore: ORE } })) };
    }));
    const { plugs, deals } = await settleTogether(site.shards, prepared.slice(0, PLUGS), prepared.slice(PLUGS));
    assert.equal((await armed.exited).signal, 'SIGKILL');
    assert.deepEqual(deals, deals.map(() => 'closed'), 'nobody of the batch was answered');
    return { deals: prepared.map((deal, at) => ({ ...deal, outcome: [...plugs, ...deals][at] ?? '' })) };
  } finally {
    await armed.kill('SIGKILL');
  }
}

/**
 * What a new process finds. Each trade is there whole or not at all, those of the batch alike, `command:outcome` says the
 * same, and all trade again. @throws when not
 */
export async function judgeBatch(server: TestServer, site: BatchSite, { deals }: Crashed): Promise<Recovery['result']> {
  await until(async () => (await site.host.count('prepared')) === 0, RESOLVED_MAX_MS, 'no transaction is left prepared');
  const results: Recovery['result'][] = [];
  for (const { members, sword, before, outcome } of deals) {
    results.push(await judge(server, { members }, { sword, before }));
    assert.ok(outcome === 'closed' || results.at(-1) === 'both legs', `answered with ${outcome}, and ${results.at(-1)} is there`);
  }
  const [result, ...others] = results.slice(PLUGS);
  assert.ok(result !== undefined && others.every((other) => other === result), `one commit, and of its trades there is ${results.slice(PLUGS).join(', ')}`);

  const again = await Promise.all((await login(server, site)).map(async (pair, at) => {
    const happened = results[at] === 'both legs';
    for (const [side, player] of pair.entries()) {
      const outcome: unknown = await player.room.request('command:outcome', { commandId: deals[at]?.ids[side] });
      assert.deepEqual(outcome, happened ? { known: true, answer: { status: 'settled' } } : { known: false }, 'the outcome of an acceptance');
    }
    return await prepareDeal(...pair, { fungibles: { gold: 1 } }, { fungibles: { ore: 1 } });
  }));
  // One by one again: this process may be the next to be killed in a commit of several.
  for (const { table, revision, ids } of again) assert.equal(await accept(table.second, revision, ids[1]), 'settled');
  await assertAuditGreen(server);
  return result;
}
