import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { control, type ControlCase } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { commandId, service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { startShardHost, type ShardHost } from '../kit/shard-host.ts';
import { accept, attempt, joinGroup, offer, outcomeOf, sitDown } from '../kit/trade.ts';

const BILLION = 2 ** 30;

async function burn(server: TestServer, playerId: string, what: { items?: string[]; fungibles?: Record<string, unknown> }): Promise<string> {
  const { status, body } = await service(server).call<{ code: string }>('POST', '/burns', { commandId: commandId(), playerId, ...what });
  return status === 200 ? 'burned' : body.code;
}

/** 11: a thief offers what is not the thief's to give, and sees each of it through as far as it goes. */
async function forgedIds(server: TestServer, shards: 'same' | 'distinct'): Promise<void> {
  const [thief, fence, victim] = await joinGroup(server, 3, shards);
  assert.ok(thief && fence && victim);
  const [relic = '', ashes = '', ember = '', twice = ''] = await service(server).grant(thief.id, { items: [{ kind: 'relic' }, { kind: 'bow' }, { kind: 'bow' }, { kind: 'bow' }] });
  const [sword = ''] = await service(server).grant(victim.id, { items: [{ kind: 'sword' }] });
  assert.equal(await burn(server, thief.id, { items: [ashes] }), 'burned');

  const outcomes: Record<string, string> = {};
  for (const [name, item] of Object.entries({ 'not owned': sword, bound: relic, unknown: randomUUID(), burned: ashes })) {
    outcomes[name] = await attempt(await sitDown(thief, fence), { items: [item] });
  }
  outcomes['not owned, burned'] = await burn(server, thief.id, { items: [sword] });
  // Held when it was offered, and burned, or sold, before the write.
  const table = await sitDown(thief, fence);
  await offer(table.first, { items: [ember] });
  assert.equal(await burn(server, thief.id, { items: [ember] }), 'burned');
  await accept(table.first, 1);
  outcomes['burned once offered'] = await outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision: 1 }));
  const [toFence, toVictim] = [await sitDown(thief, fence), await sitDown(thief, victim)];
  for (const { first } of [toFence, toVictim]) await accept(first, await offer(first, { items: [twice] }));
  const sales = await Promise.all([toFence, toVictim].map(({ second }) => outcomeOf(second.request('trade:accept', { commandId: commandId(), revision: 1 }))));

  await assertHolds(server, victim, { items: sales[1] === 'settled' ? [sword, twice] : [sword] }, 'the victim');
  await assertHolds(server, fence, { items: sales[0] === 'settled' ? [twice] : [] }, 'the fence');
  await assertHolds(server, thief, { items: [relic] }, 'the thief');
  await assertAuditGreen(server);
  assert.deepEqual(outcomes, {
    'not owned': 'NOT_OWNER', bound: 'ITEM_BOUND', unknown: 'NOT_OWNER', burned: 'NOT_OWNER', 'not owned, burned': 'NOT_OWNER', 'burned once offered': 'NOT_OWNER',
  });
  assert.deepEqual(sales.toSorted(), ['NOT_OWNER', 'settled']);
}

/** 12: counts that are no counts, and counts at the edges of what a machine can count. */
async function strangeQuantities(server: TestServer): Promise<void> {
  const [liar, partner] = await joinGroup(server, 2, 'same');
  assert.ok(liar && partner);
  for (const { id } of [liar, partner]) await service(server).grant(id, { fungibles: { gold: 1_000 } });
  const outcomes = new Map<unknown, string[]>();
  for (const quantity of [-1, 0, Number.NaN, 1.5, '5', 2 ** 53 + 2, Number.POSITIVE_INFINITY, null, true, [5], {}]) {
    const fungibles = { gold: quantity };
    const overHttp = await grantAndBurn(server, partner.id, fungibles);
    outcomes.set(quantity, [await attempt(await sitDown(liar, partner), { fungibles }, { fungibles: { gold: 1 } }), ...overHttp]);
  }
  for (const quantity of [2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    assert.equal(await attempt(await sitDown(liar, partner), { fungibles: { gold: quantity } }), 'INSUFFICIENT', String(quantity));
  }
  await assertHolds(server, liar, { fungibles: { gold: 1_000 } }, 'the liar');
  await assertHolds(server, partner, { fungibles: { gold: 1_000 } }, 'the partner');

  // What is held goes over exactly, beyond 31 and 32 bits, and nobody comes to hold more than 2^53 - 1.
  await service(server).grant(liar.id, { fungibles: { ore: 8 * BILLION, gem: 1 } });
  for (const ore of [2 * BILLION, 4 * BILLION]) await attempt(await sitDown(liar, partner), { fungibles: { ore } });
  await service(server).grant(partner.id, { fungibles: { gem: Number.MAX_SAFE_INTEGER } });
  const overfull = await attempt(await sitDown(liar, partner), { fungibles: { gem: 1 } });
  await assertHolds(server, liar, { fungibles: { gold: 1_000, ore: 2 * BILLION, gem: 1 } }, 'the liar');
  await assertHolds(server, partner, { fungibles: { gold: 1_000, ore: 6 * BILLION, gem: Number.MAX_SAFE_INTEGER } }, 'the partner');
  await Promise.all([liar, partner].map((player) => assertShown(server, player)));
  await assertAuditGreen(server);
  assert.equal(overfull, 'BAD_REQUEST');
  for (const [quantity, codes] of outcomes) assert.deepEqual(codes, ['BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'], `${String(quantity)} came to ${codes.join(', ')}`);
}

async function grantAndBurn(server: TestServer, playerId: string, fungibles: Record<string, unknown>): Promise<string[]> {
  const outcomes: string[] = [];
  for (const route of ['/grants', '/burns']) {
    const { status, body } = await service(server).call<{ code: string }>('POST', route, { commandId: commandId(), playerId, fungibles });
    outcomes.push(status === 200 ? 'answered' : body.code);
  }
  return outcomes;
}

/** 14: 100 gold, spent as 101, then as 60 to each of five at once, then as 10 by twenty burns at once. */
async function overspending(server: TestServer): Promise<void> {
  const [spender, ...partners] = await joinGroup(server, 6, 'same');
  assert.ok(spender);
  await service(server).grant(spender.id, { fungibles: { gold: 100 } });
  const offered = await attempt(await sitDown(spender, partners[0]!), { fungibles: { gold: 101 } });
  const tables = await Promise.all(partners.map((partner) => sitDown(spender, partner)));
  for (const { first } of tables) await accept(first, await offer(first, { fungibles: { gold: 60 } }));
  // After the offers: a server without the guard knows a debtor by now, and would not let one offer anything.
  const burned = [await burn(server, spender.id, { fungibles: { gold: 101 } }), await burn(server, spender.id, { fungibles: { ore: 1 } })];
  const sales = await Promise.all(tables.map(({ second }) => outcomeOf(second.request('trade:accept', { commandId: commandId(), revision: 1 }))));
  const burns = await Promise.all(Array.from({ length: 20 }, () => burn(server, spender.id, { fungibles: { gold: 10 } })));

  const got = partners.map((_, at) => (sales[at] === 'settled' ? 60 : 0));
  await assertHolds(server, spender, {}, 'the spender');
  for (const [at, partner] of partners.entries()) await assertHolds(server, partner, { fungibles: { gold: got[at]! } }, `partner ${at}`);
  await assertAuditGreen(server);
  assert.deepEqual([offered, ...burned], ['INSUFFICIENT', 'INSUFFICIENT', 'INSUFFICIENT']);
  assert.deepEqual(sales.toSorted(), ['INSUFFICIENT', 'INSUFFICIENT', 'INSUFFICIENT', 'INSUFFICIENT', 'settled']);
  assert.deepEqual(burns.filter((outcome) => outcome === 'burned').length, 4);
}

/** 16: a stack of 100 stands in two windows at 80 each; then 20 stand in a third, and 5 of them are spent elsewhere. */
async function sameStackTwice(server: TestServer): Promise<void> {
  const [owner, one, other] = await joinGroup(server, 3, 'same');
  assert.ok(owner && one && other);
  await service(server).grant(owner.id, { fungibles: { gold: 100 } });
  const tables = [await sitDown(owner, one), await sitDown(owner, other)];
  for (const { first } of tables) await accept(first, await offer(first, { fungibles: { gold: 80 } }));
  const sales = await Promise.all(tables.map(({ second }) => outcomeOf(second.request('trade:accept', { commandId: commandId(), revision: 1 }))));
  await assertHolds(server, owner, { fungibles: { gold: 20 } }, 'the owner');

  const third = await sitDown(owner, one);
  await accept(third.first, await offer(third.first, { fungibles: { gold: 20 } }));
  const spent = await burn(server, owner.id, { fungibles: { gold: 5 } });
  const late = await outcomeOf(third.second.request('trade:accept', { commandId: commandId(), revision: 1 }));
  const got = sales.map((sale) => (sale === 'settled' ? 80 : 0));
  await assertHolds(server, owner, { fungibles: { gold: 15 } }, 'the owner');
  await assertHolds(server, one, { fungibles: { gold: got[0]! } }, 'the one');
  await assertHolds(server, other, { fungibles: { gold: got[1]! } }, 'the other');
  await assertAuditGreen(server);
  assert.deepEqual([...sales.toSorted(), spent, late], ['INSUFFICIENT', 'settled', 'burned', 'INSUFFICIENT']);

  // The window is open again, with both acceptances cleared, and takes what is left.
  await accept(third.second, await offer(third.first, { fungibles: { gold: 15 } }));
  assert.equal(await accept(third.first, 3), 'settled');
  await assertHolds(server, owner, {}, 'the owner');
}

describe('dupes: holdings', () => {
  let host: ShardHost;
  let server: TestServer;
  before(async () => {
    host = await startShardHost();
    server = await startServer({ env: { SHARD_URLS: await host.freshShards() } });
  });
  after(async () => {
    await server?.stop();
    await host?.stop();
  });

  it('[TR5] dupe 11: forged ids of not owned, bound, unknown and burned items, on one shard', () => forgedIds(server, 'same'));
  it('[TR5] dupe 11: forged ids of not owned, bound, unknown and burned items, over three shards', () => forgedIds(server, 'distinct'));
  it('[QU1] dupe 12: quantities that are none, and those at the edges', () => strangeQuantities(server));
  it('[LD4] dupe 14: more is spent than is held, alone and in parallel', () => overspending(server));
  it('[TR9] dupe 16: one stack in two trades, and partly spent while it is offered', () => sameStackTwice(server));

  const onOneShard = (server: TestServer) => forgedIds(server, 'same');
  const overShards = (server: TestServer) => forgedIds(server, 'distinct');
  const controls: [MutationName, ControlCase[]][] = [
    ['ownership-unchecked', [{ dupe: '11', scenario: onOneShard, symptom: /the victim holds/ }]],
    ['bound-unchecked', [{ dupe: '11', scenario: overShards, symptom: /the fence holds/ }]],
    ['write-trusts-offer', [{ dupe: '11', scenario: onOneShard, symptom: /holds|the audit is red/ }]],
    ['quantity-unchecked', [{ dupe: '12', scenario: strangeQuantities, symptom: /the liar holds/ }]],
    [
      'balances-unbounded',
      [
        { dupe: '14', scenario: overspending, symptom: /the audit is red: C: .* B: / },
        { dupe: '12', scenario: strangeQuantities, symptom: /the liar holds/ },
        { dupe: '16', scenario: sameStackTwice, symptom: /the owner holds/ },
      ],
    ],
  ];
  for (const [mutation, cases] of controls) {
    it(`goes red on a server that is "${mutation}": ${cases.map(({ dupe, symptom }) => `dupe ${dupe} (${symptom.source})`).join(', ')}`, async () => {
      await control(mutation, { env: { SHARD_URLS: await host.freshShards() } }, cases);
    });
  }
});
