import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Room } from '@colyseus/sdk';
import { assertAuditGreen, assertHolds, belongings } from '../kit/economy.ts';
import { deposit, foundGuild, withdraw, type TestGuild } from '../kit/guild.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { ops } from '../kit/ops.ts';
import { commandId, join, joinPlayer, newClient, service, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { accept, joinGroup, joinZone, offer, outcomeOf, sitDown, trade, type Offered } from '../kit/trade.ts';

/** Every door through which value moves, by the reason that the ledger says. */
const DOORS = ['burn', 'gather', 'grant', 'guild', 'trade'] as const;
/** What only support does. */
const BY_SUPPORT = ['reversal'];

interface Person extends TestPlayer {
  zone: Room;
}

describe('support', () => {
  let server: TestServer;
  const present = new Set<TestPlayer>();
  before(async () => {
    server = await startServer();
  });
  afterEach(async () => {
    await Promise.allSettled([...present].map((player) => player.leave()));
    present.clear();
  });
  after(() => server.stop());

  async function enter(at: TestServer = server): Promise<Person> {
    const player = await join(at.url);
    present.add(player);
    return { ...player, zone: await joinZone(player) };
  }

  async function pair(shards: 'same' | 'distinct', at: TestServer = server): Promise<[TestPlayer, TestPlayer]> {
    const players = (await joinGroup(at, 2, shards)) as [TestPlayer, TestPlayer];
    for (const player of players) present.add(player);
    return players;
  }

  /** The settled trade's transaction. */
  async function settled(at: TestServer, [first, second]: [TestPlayer, TestPlayer], gives: Offered, gets: Offered): Promise<string> {
    await trade(await sitDown(first, second), gives, gets);
    const [deed] = (await ops(at).file(first.id)).deeds;
    assert.equal(deed?.reason, 'trade');
    return deed!.transactionId;
  }

  /** Each door, tried by or towards one player, with another who is free. @returns what came of it */
  async function tryDoor(at: TestServer, door: (typeof DOORS)[number], person: Person, partner: TestPlayer, guild: TestGuild): Promise<string[]> {
    const { call } = service(at);
    const code = async (asked: Promise<{ status: number; body: { code?: string } }>) => (await asked).body.code ?? 'answered';
    switch (door) {
      case 'grant': return [await code(call('POST', '/grants', { commandId: commandId(), playerId: person.id, fungibles: { gold: 1 }, items: [] }))];
      case 'burn': return [await code(call('POST', '/burns', { commandId: commandId(), playerId: person.id, fungibles: { gold: 1 }, items: [] }))];
      case 'gather': return [await outcomeOf(person.zone.request('gather', { commandId: commandId(), nodeId: 'ore-1' }))];
      case 'guild': {
        const { seat } = guild.leader;
        return [await outcomeOf(deposit(seat, { fungibles: { gold: 2 } })), await outcomeOf(withdraw(seat, { fungibles: { gold: 1 } }))];
      }
      case 'trade': {
        const ends: string[] = [];
        for (const [gives, gets] of [[{ fungibles: { gold: 1 } }, {}], [{}, { fungibles: { gold: 1 } }]] as [Offered, Offered][]) {
          const table = await sitDown(person, partner);
          await offer(table.first, gives);
          const revision = await offer(table.second, gets);
          await accept(table.first, revision);
          ends.push(await outcomeOf(table.second.request('trade:accept', { commandId: commandId(), revision })));
          await Promise.all([table.first.leave(), table.second.leave()]);
        }
        return ends;
      }
    }
  }

  /** A frozen player tries every door. */
  async function everyDoor(at: TestServer): Promise<void> {
    const [person, partner] = [await enter(at), await enter(at)];
    const guild = await foundGuild(person);
    await Promise.all([person, partner].map(({ id }) => service(at).grant(id, { fungibles: { gold: 50 } })));
    await deposit(guild.leader.seat, { fungibles: { gold: 5 } });
    const before = [await belongings(at, person), await belongings(at, partner)];
    await ops(at).freeze(person.id);
    for (const door of DOORS) {
      const ends = await tryDoor(at, door, person, partner, guild);
      assert.deepEqual(ends, ends.map(() => 'ACCOUNT_FROZEN'), `${door} of a frozen account`);
    }
    assert.deepEqual([await belongings(at, person), await belongings(at, partner)], before, 'nothing moved');
    await ops(at).freeze(person.id, false);
    for (const door of DOORS) {
      const ends = await tryDoor(at, door, person, partner, guild);
      assert.ok(ends.every((end) => ['answered', 'settled'].includes(end)), `${door} of an account that was thawed: ${ends.join()}`);
    }
    await assertAuditGreen(at);
  }

  // Guards the look at the frozen holder under the locks.
  it('[OP2] nothing of value leaves a frozen account or enters it, by any reason that the ledger knows', async () => {
    await everyDoor(server);
    const { text } = await fetch(`${server.url}/metrics`).then(async (response) => ({ text: await response.text() }));
    const reasons = new Set([...text.matchAll(/^strongroom_movements_total\{reason="([^"]+)"/gm)].map(([, reason]) => reason));
    assert.deepEqual([...reasons].filter((reason) => !BY_SUPPORT.includes(reason!)).toSorted(), [...DOORS], 'every reason has its door here');
  });
  it('[OP2] goes red on a server that is "frozen-moves"', () =>
    withMutant('frozen-moves', async (root) => {
      const mutant = await startServer({ root });
      await assertGoesRed(everyDoor(mutant), /of a frozen account/).finally(() => mutant.stop());
    }));

  it('[OP2] a frozen account signs in and looks', async () => {
    const person = await enter();
    await ops(server).freeze(person.id);
    await person.leave();
    const client = newClient(server.url, person.token);
    const again = { ...person, client, ...(await joinPlayer(client)) };
    present.add(again);
    assert.equal((again.room.state as { playerId: string }).playerId, person.id);
    assert.equal((await ops(server).file(person.id)).frozen, true);
  });

  for (const shards of ['same', 'distinct'] as const) {
    it(`[OP4] dupe 30: a trade is reversed once, whole, players on ${shards} shards, whatever is frozen or paused`, async () => {
      const [ann, ben] = await pair(shards);
      const [sword = ''] = await service(server).grant(ann.id, { fungibles: { gold: 30 }, items: [{ kind: 'sword', attributes: { engraving: 'Ann' } }] });
      await service(server).grant(ben.id, { fungibles: { ore: 4 } });
      const transactionId = await settled(server, [ann, ben], { items: [sword], fungibles: { gold: 20 } }, { fungibles: { ore: 3 } });
      const admin = ops(server);
      assert.deepEqual((await admin.trade(transactionId)).obstacles, []);
      await admin.freeze(ben.id);
      await admin.pause('sword');
      try {
        const [one, two] = await Promise.all([admin.reverse(transactionId), admin.reverse(transactionId, 'asked again')]);
        assert.deepEqual([one.status, two.status], [200, 200]);
        assert.deepEqual(one.body.entry, two.body.entry, 'one reversal');
        assert.deepEqual((await admin.reverse(transactionId)).body.entry, one.body.entry, 'and afterwards');
      } finally {
        await admin.pause('sword', false);
        await admin.freeze(ben.id, false);
      }
      await assertHolds(server, ann, { fungibles: { gold: 30 }, items: [sword] });
      await assertHolds(server, ben, { fungibles: { ore: 4 } });
      assert.deepEqual((await service(server).player(ann.id)).items[0]?.attributes, { engraving: 'Ann' });
      const file = await admin.trade(transactionId);
      assert.equal(file.reversed?.action, 'reverse');
      const { entries } = await admin.must<{ entries: { reason: string }[] }>('GET', `/items/${sword}`);
      assert.deepEqual(entries.map(({ reason }) => reason), ['grant', 'trade', 'reversal']);
      await assertAuditGreen(server);
    });
  }

  // Guards the version that the trade left the item at, and that all of it goes back or nothing.
  it('[OP4] dupe 30: where something moved on nothing moves, and what stands in the way is named', async () => {
    const [ann, ben] = await pair('distinct');
    const cleo = await enter();
    const [sword = '', axe = ''] = await service(server).grant(ann.id, { fungibles: { gold: 30 }, items: [{ kind: 'sword' }, { kind: 'bow' }] });
    await service(server).grant(ben.id, { fungibles: { ore: 3 } });
    const transactionId = await settled(server, [ann, ben], { items: [sword, axe], fungibles: { gold: 20 } }, { fungibles: { ore: 3 } });
    await trade(await sitDown(ben, cleo), { items: [sword], fungibles: { gold: 5 } }, {});
    const held = await Promise.all([ann, ben, cleo].map((player) => belongings(server, player)));
    const refused = await ops(server).reverse(transactionId);
    assert.deepEqual([refused.status, refused.body.code], [409, 'NOT_OWNER']);
    const obstacles = refused.body.details?.['obstacles'] as { code: string }[];
    assert.deepEqual(obstacles, [
      { code: 'NOT_OWNER', item: sword, kind: 'sword', holder: cleo.id, version: 3 },
      { code: 'INSUFFICIENT', asset: 'gold', holder: ben.id, held: 15, needed: 20 },
    ]);
    assert.deepEqual((await ops(server).trade(transactionId)).obstacles, obstacles);
    assert.deepEqual(await Promise.all([ann, ben, cleo].map((player) => belongings(server, player))), held, 'nothing moved');
    // It comes back, at another version: it is not the item that the trade left.
    await trade(await sitDown(cleo, ben), { items: [sword], fungibles: { gold: 5 } }, {});
    assert.equal((await ops(server).reverse(transactionId)).body.code, 'NOT_OWNER');
    await assertAuditGreen(server);
  });

  it('[OP4] what was no trade is not reversed, and what never was is not found', async () => {
    const person = await enter();
    await service(server).grant(person.id, { items: [{ kind: 'sword' }] });
    const sword = (await service(server).player(person.id)).items[0]!.id;
    const { entries } = await ops(server).must<{ entries: { transactionId: string }[] }>('GET', `/items/${sword}`);
    assert.deepEqual([(await ops(server).reverse(entries[0]!.transactionId)).body.code, (await ops(server).reverse(randomUUID())).body.code], ['BAD_REQUEST', 'TRADE_NOT_FOUND']);
    await assertHolds(server, person, { items: [sword] });
  });

  it('[OP1] every deed has its entry, once per command id, and none without a reason', async () => {
    const person = await enter();
    const admin = ops(server);
    const id = commandId();
    const [first, again] = [await admin.freeze(person.id, true, id), await admin.freeze(person.id, true, id)];
    assert.deepEqual(again, first);
    assert.equal((await admin.ask('POST', `/players/${person.id}/freeze`, { commandId: id, frozen: false, reason: 'another deed' })).body.code, 'COMMAND_REUSED');
    assert.equal((await admin.file(person.id)).frozen, true);
    for (const reason of [undefined, '', '  ', 'no']) assert.equal((await admin.ask('POST', `/players/${person.id}/freeze`, { commandId: commandId(), frozen: false, reason })).body.code, 'BAD_REQUEST');
    assert.equal((await admin.ask('POST', `/players/${randomUUID()}/freeze`, { commandId: commandId(), frozen: true, reason: 'nobody there' })).body.code, 'UNKNOWN_PLAYER');
    const entries = await admin.entries();
    assert.deepEqual(entries.filter(({ target }) => target === person.id), [first.entry]);
    assert.ok(entries.every(({ at }, place) => place === 0 || at <= entries[place - 1]!.at), 'the newest first');
    assert.deepEqual(await admin.entries(`?limit=1&before=${entries[0]!.at}`), entries.filter(({ at }) => at < entries[0]!.at).slice(0, 1));
  });

  it('[OP1] finds players by the beginning of a name, whatever its case, or by id', async () => {
    const name = `Quill ${randomUUID().slice(0, 8)}`;
    const [one, other, third] = [await join(server.url, name), await join(server.url, `${name}_`), await join(server.url, `${name}x`)];
    for (const player of [one, other, third]) present.add(player);
    const found = async (text: string) => (await ops(server).must<{ players: { id: string }[] }>('GET', `/players?q=${encodeURIComponent(text)}`)).players.map(({ id }) => id).toSorted();
    assert.deepEqual(await found(name.toUpperCase()), [one.id, other.id, third.id].toSorted());
    assert.deepEqual(await found(`${name}_`), [other.id], 'a wildcard is a letter');
    assert.deepEqual(await found(one.id.toUpperCase()), [one.id]);
    assert.deepEqual(await found('_'.repeat(5)), []);
    const { player, session, deeds } = await ops(server).file(one.id);
    assert.deepEqual([player.id, session?.roomId, deeds], [one.id, one.room.roomId, []]);
  });
});
