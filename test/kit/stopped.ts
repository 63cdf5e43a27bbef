import assert from 'node:assert/strict';
import type { FaultPoint } from '../../persistence/index.ts';
import { GOLD, judge, ORE, type Recovery } from './crash.ts';
import { assertAuditGreen, belongings, type Belongings } from './economy.ts';
import { isStopped } from './is-stopped.ts';
import { prepareDeal, type Deal } from './one-commit.ts';
import { service, until, type TestPlayer } from './player.ts';
import { startServer, type TestServer } from './server.ts';
import { joinGroup, outcomeOf, sitDown, trade } from './trade.ts';

const STOPPED_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 2_000;

/** A server that will stand still when a trade of its two players reaches the point; all but the last acceptance is done. */
export interface Armed {
  point: FaultPoint;
  server: TestServer;
  members: [TestPlayer, TestPlayer];
  sword: string;
  before: readonly [Belongings, Belongings];
  deal: Deal;
}

export interface ArmOptions {
  shards: string;
  place: 'same' | 'distinct';
  /** Other sources than ours, see mutant.ts. */
  root?: string;
  env?: Record<string, string>;
}

/** A sword and 50 gold for 3 ore, on a server of its own. */
export async function arm(point: FaultPoint, { shards, place, root, env = {} }: ArmOptions): Promise<Armed> {
  const server = await startServer({ env: { SHARD_URLS: shards, FAULT_POINT: `trade:${point}:pause`, ...env }, ...(root !== undefined && { root }) });
  const members = (await joinGroup(server, 2, place)) as [TestPlayer, TestPlayer];
  const [first, second] = members;
  const [sword = ''] = await service(server).grant(first.id, { fungibles: { gold: GOLD + 1 }, items: [{ kind: 'sword' }] });
  await service(server).grant(second.id, { fungibles: { ore: ORE + 1 } });
  const before = [await belongings(server, first), await belongings(server, second)] as const;
  return { point, server, members, sword, before, deal: await prepareDeal(first, second, { items: [sword], fungibles: { gold: GOLD } }, { fungibles: { ore: ORE } }) };
}

/** Gives the last acceptance. Resolves when the process stands still, with what the acceptance will have come to. */
export async function stopAtPoint({ point, server, deal: { table, revision, ids } }: Armed): Promise<{ answer: ReturnType<typeof outcomeOf> }> {
  const answer = outcomeOf(table.second.request('trade:accept', { commandId: ids[1], revision }));
  const answered = answer.then((outcome) => Promise.reject(new Error(`the process was to stand still at "${point}", and it answered ${outcome}: ${server.log().slice(-2_000)}`)));
  await Promise.race([answered, until(() => isStopped(server.pid), STOPPED_WITHIN_MS, `the process stands still at "${point}"`)]);
  answered.catch(() => undefined);
  return { answer };
}

/** Both legs or none, as it was answered and as `command:outcome` says; they trade again, and the audit is green. @throws when not */
export async function judgeStopped({ server, members, sword, before, deal: { ids } }: Armed, answer: string): Promise<Recovery['result']> {
  // A read finds out first that its connection is gone; it is not for it to be asked again.
  await until(async () => (await fetch(`${server.url}/readyz`)).ok, READY_WITHIN_MS, 'every shard answers');
  const result = await judge(server, { members }, { sword, before });
  assert.equal(answer === 'settled', result === 'both legs', `answered with ${answer}, and ${result} is there`);
  for (const [side, player] of members.entries()) {
    const outcome: unknown = await player.room.request('command:outcome', { commandId: ids[side] });
    assert.deepEqual(outcome, result === 'both legs' ? { known: true, answer: { status: 'settled' } } : { known: false }, 'the outcome of the acceptance');
  }
  await trade(await sitDown(...members), { fungibles: { gold: 1 } }, { fungibles: { ore: 1 } });
  await assertAuditGreen(server);
  return result;
}
