import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, assertShown } from '../kit/economy.ts';
import { commandId, drop, ignoreMessages, join, joinTrade, refusalOf, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { accept, attempt, offer, outcomeOf, sitDown, trade } from '../kit/trade.ts';

const TRADE_TTL_MS = 8_000;
const RECONNECTION_WINDOW_S = 2;
const TRADES_OPEN_MAX = 4;

interface Side {
  name: string;
  accepted: boolean;
  items: { toJSON(): Record<string, { kind: string }> };
  fungibles: { toJSON(): Record<string, number> };
}
interface Shown {
  phase: string;
  revision: number;
  reason: string;
  sides: { get(id: string): Side; keys(): Iterable<string> };
}
const shown = (room: Room) => room.state as Shown;
const accepted = (room: Room, { id }: TestPlayer) => shown(room).sides.get(id).accepted;
const phaseIs = (room: Room, phase: string, maxMs?: number) => until(() => shown(room).phase === phase, maxMs, `the phase is ${phase}`);

describe('the trade room at the socket', () => {
  let server: TestServer;
  let one: TestPlayer;
  let two: TestPlayer;
  let sword: string;
  before(async () => {
    server = await startServer({ env: { TRADE_TTL_MS: String(TRADE_TTL_MS), RECONNECTION_WINDOW_S: String(RECONNECTION_WINDOW_S), TRADES_OPEN_MAX: String(TRADES_OPEN_MAX) } });
  });
  beforeEach(async () => {
    [one, two] = await Promise.all([join(server.url, 'One'), join(server.url, 'Two')]);
    [sword = ''] = await service(server).grant(one.id, { fungibles: { gold: 100 }, items: [{ kind: 'sword', attributes: { edge: 7 } }] });
    await service(server).grant(two.id, { fungibles: { ore: 10 } });
  });
  afterEach(() => Promise.all([one.leave(), two.leave()]));
  after(async () => {
    await assertAuditGreen(server);
    await server.stop();
  });

  const nothingMoved = async () => {
    await assertHolds(server, one, { fungibles: { gold: 100 }, items: [sword] });
    await assertHolds(server, two, { fungibles: { ore: 10 } });
  };

  it('[TR6] an invitation names who invites, and nobody invites oneself, a stranger or nonsense', async () => {
    const invited = new Promise<unknown>((resolve) => two.room.onMessage('trade:invited', resolve));
    const { tradeId } = await one.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: two.id.toUpperCase() });
    assert.deepEqual(await invited, { tradeId, from: one.id, fromName: 'One' });
    for (const [playerId, code] of [[one.id, 'TRADE_SELF'], [one.id.toUpperCase(), 'TRADE_SELF'], [randomUUID(), 'UNKNOWN_PLAYER'], ['nobody', 'BAD_REQUEST']]) {
      assert.equal((await refusalOf(one.room.request('trade:invite', { playerId }))).code, code);
    }
  });

  it('[TR1] [TR2] [TR3] an offer shows on both sides and clears acceptances; both accept one revision; it settles once', async () => {
    const { first, second } = await sitDown(one, two);
    assert.equal(await offer(first, { items: [sword], fungibles: { gold: 30 } }), 1);
    await until(() => shown(second).revision === 1);
    const side = shown(second).sides.get(one.id);
    assert.deepEqual([side.name, side.fungibles.toJSON(), side.items.toJSON()[sword]?.kind], ['One', { gold: 30 }, 'sword']);

    assert.equal(await accept(first, 1), 'waiting');
    await until(() => accepted(second, one));
    assert.equal(await offer(second, { fungibles: { ore: 4 } }), 2);
    await until(() => !accepted(second, one) && !accepted(first, one), 1000, 'an offer of the other clears the acceptance');
    for (const revision of [0, 1, 3]) assert.equal((await refusalOf(first.request('trade:accept', { commandId: commandId(), revision }))).code, 'TRADE_STALE');

    assert.equal(await offer(second, {}), 3);
    assert.equal(await offer(second, { fungibles: { ore: 5 } }), 4, 'an offer replaces the one before');
    assert.equal(await accept(second, 4), 'waiting');
    assert.equal(await accept(first, 4), 'settled');
    await Promise.all([phaseIs(first, 'settled'), phaseIs(second, 'settled')]);
    await assertHolds(server, one, { fungibles: { gold: 70, ore: 5 } });
    await assertHolds(server, two, { fungibles: { gold: 30, ore: 5 }, items: [sword] });
    await Promise.all([assertShown(server, one), assertShown(server, two)]);
  });

  it('[TR4] after it settled, and after a cancel, everything is TRADE_CLOSED except a repeat, which gets its answer', async () => {
    const settled = await sitDown(one, two);
    const [id] = await trade(settled, { items: [sword] }, {});
    const cancelled = await sitDown(one, two);
    await cancelled.first.request('trade:cancel', {});
    for (const table of [settled, cancelled]) {
      for (const room of [table.first, table.second]) {
        assert.equal(await outcomeOf(room.request('trade:offer', { items: [], fungibles: {} })), 'TRADE_CLOSED');
        assert.equal(await outcomeOf(room.request('trade:cancel', {})), 'TRADE_CLOSED');
        assert.equal(await outcomeOf(room.request('trade:accept', { commandId: commandId(), revision: 1 })), 'TRADE_CLOSED');
      }
    }
    assert.equal(await accept(settled.first, 2, id), 'settled');
    await assertHolds(server, two, { fungibles: { ore: 10 }, items: [sword] });
  });

  it('[TR4] of a cancel and the last acceptance that race, one wins and both see which', async () => {
    for (let round = 0; round < 12; round++) {
      const { first, second } = await sitDown(one, two);
      await offer(first, { fungibles: { gold: 1 } });
      await accept(first, 1);
      const requests = [second.request('trade:accept', { commandId: commandId(), revision: 1 }), first.request('trade:cancel', {})];
      const [acceptance, cancel] = await Promise.all((round % 2 ? requests : requests.toReversed()).map(outcomeOf)).then((outcomes) => (round % 2 ? outcomes : outcomes.toReversed()));
      const settled = acceptance === 'settled';
      assert.deepEqual([acceptance, cancel], settled ? ['settled', 'TRADE_CLOSED'] : ['TRADE_CLOSED', 'answered']);
      await phaseIs(first, settled ? 'settled' : 'cancelled');
    }
  });

  it('[TR6] a third player neither joins, sees nor learns that the trade exists', async () => {
    const { id, first } = await sitDown(one, two);
    const third = await join(server.url, 'Third');
    await assert.rejects(third.client.joinById(id), { message: 'TRADE_NOT_FOUND' });
    await assert.rejects(third.client.joinOrCreate('trade', { tradeId: id }));
    await assert.rejects(third.client.join('trade', { tradeId: id, players: [third.id, one.id] }));
    assert.deepEqual([...shown(first).sides.keys()].toSorted(), [one.id, two.id].toSorted());
    assert.equal(shown(first).phase, 'open', 'a stranger who was turned away cancels nothing');
    await third.leave();
  });

  it('[TR10] leaving an open trade cancels it, and so does a drop once the window has passed', async () => {
    const left = await sitDown(one, two);
    await left.first.leave();
    await phaseIs(left.second, 'cancelled');
    assert.equal(shown(left.second).reason, 'left');

    const dropped = await sitDown(one, two);
    await offer(dropped.first, { fungibles: { gold: 5 } });
    const { reconnectionToken } = dropped.first;
    await drop(dropped.first);
    const back = await one.client.reconnect(reconnectionToken);
    ignoreMessages(back);
    await until(() => shown(back).revision === 1);
    assert.equal(shown(dropped.second).phase, 'open', 'a short drop cancels nothing');
    await drop(back);
    await phaseIs(dropped.second, 'cancelled', RECONNECTION_WINDOW_S * 1000 + 2000);
    assert.equal(shown(dropped.second).reason, 'left');
    await nothingMoved();
  });

  it('[TR10] a trade that is open beyond its time-to-live is cancelled, also one that nobody joined', async () => {
    const { tradeId } = await one.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: two.id });
    const began = performance.now();
    const { first, second } = await sitDown(one, two);
    await phaseIs(first, 'cancelled', TRADE_TTL_MS + 2000);
    assert.ok(performance.now() - began > TRADE_TTL_MS - 500, 'not before its time');
    assert.deepEqual([shown(first).reason, shown(second).phase], ['expired', 'cancelled']);
    await until(async () => await joinTrade(one, tradeId).then((room) => shown(room).phase === 'cancelled' || room.leave().then(() => false), () => true), 10_000, 'the empty room is over');
    await nothingMoved();
  });

  it('[TR5] [TR9] what is gone at the write is refused there; the trade opens again with acceptances cleared', async () => {
    const table = await sitDown(one, two);
    await offer(table.first, { items: [sword], fungibles: { gold: 100 } });
    await accept(table.first, 1);
    assert.equal((await service(server).call('POST', '/burns', { commandId: commandId(), playerId: one.id, fungibles: { gold: 1 } })).status, 200);
    assert.equal((await refusalOf(table.second.request('trade:accept', { commandId: commandId(), revision: 1 }))).code, 'INSUFFICIENT');
    await until(() => shown(table.first).phase === 'open' && shown(table.first).reason === 'INSUFFICIENT');
    assert.ok(!accepted(table.first, one) && !accepted(table.second, two));
    assert.equal(shown(table.first).revision, 2);
    assert.equal(await attempt(table, { items: [sword], fungibles: { gold: 99 } }), 'settled', 'and can still be carried through');
    await assertHolds(server, two, { fungibles: { gold: 99, ore: 10 }, items: [sword] });
  });

  it('[TR5] what is not held, bound, too much or unknown is not offered', async () => {
    const [relic = ''] = await service(server).grant(one.id, { items: [{ kind: 'relic' }] });
    const { first, second } = await sitDown(one, two);
    for (const [room, asked, code] of [
      [second, { items: [sword], fungibles: {} }, 'NOT_OWNER'],
      [first, { items: [randomUUID()], fungibles: {} }, 'NOT_OWNER'],
      [first, { items: [relic], fungibles: {} }, 'ITEM_BOUND'],
      [first, { items: [], fungibles: { gold: 101 } }, 'INSUFFICIENT'],
      [first, { items: [], fungibles: { gold: Number.MAX_SAFE_INTEGER } }, 'INSUFFICIENT'],
      [first, { items: [], fungibles: { silver: 1 } }, 'UNKNOWN_ASSET'],
      [first, { items: [], fungibles: { sword: 1 } }, 'UNKNOWN_ASSET'],
      [first, { items: [relic], fungibles: { silver: 1, gold: 101 } }, 'UNKNOWN_ASSET'],
    ] as const) {
      assert.equal((await refusalOf(room.request('trade:offer', asked))).code, code, JSON.stringify(asked));
    }
    assert.equal(shown(first).revision, 0);
  });

  // Guards the bound on invitations: without it one client makes rooms until the memory is gone.
  it('[TR11] an invitation beyond the open trades that a player may have is BUSY, until one of them ends', async () => {
    const invite = () => outcomeOf(one.room.request('trade:invite', { playerId: two.id }));
    const table = await sitDown(one, two);
    const asked = await Promise.all(Array.from({ length: TRADES_OPEN_MAX + 2 }, invite));
    assert.deepEqual(asked.toSorted(), [...Array.from({ length: 3 }, () => 'BUSY'), ...Array.from({ length: TRADES_OPEN_MAX - 1 }, () => 'answered')]);
    assert.equal((await refusalOf(one.room.request('trade:invite', { playerId: one.id }))).code, 'TRADE_SELF', 'after every other refusal');
    assert.equal(await outcomeOf(two.room.request('trade:invite', { playerId: one.id })), 'answered', 'who was invited is not concerned');
    await trade(table, { fungibles: { gold: 1 } }, {});
    assert.deepEqual([await invite(), await invite()], ['answered', 'BUSY'], 'it settled');
  });

  it('[TR6] an invitation to someone who is away waits in the room of the trade until its time is over', async () => {
    const away = await signIn(server.url, 'Away');
    const { tradeId } = await one.room.request<unknown, { tradeId: string }>('trade:invite', { playerId: away.id });
    const room = await joinTrade(away, tradeId);
    assert.equal(shown(room).phase, 'open');
    await room.leave();
  });
});
