import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { PlayerExport } from '../../schema/messages/ops.ts';
import { assertAuditGreen } from '../kit/economy.ts';
import { deposit, foundGuild, leaveAll, truthOf } from '../kit/guild.ts';
import { ops } from '../kit/ops.ts';
import { commandId, join, joinPlayer, newClient, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone, sitDown, trade } from '../kit/trade.ts';

const REPLACED = 4100;
const PASSWORD = 'a password of enough letters';

describe('a person', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const exported = async (playerId: string) => await service(server).call<PlayerExport & { code?: string }>('GET', `/players/${playerId}/export`);
  const erase = async (playerId: string, body?: object) => await service(server).call<{ code?: string; erased?: boolean }>('DELETE', `/players/${playerId}`, body);
  const email = () => `${randomUUID()}@example.com`;

  /** Every text in the databases, for whoever looks for a name. */
  async function everything(player: { id: string }): Promise<string> {
    const [file, entries, found] = await Promise.all([service(server).call('GET', `/players/${player.id}`), ops(server).entries(), ops(server).must('GET', `/players?q=${player.id}`)]);
    return JSON.stringify([file, entries, found]);
  }

  async function registered(name: string): Promise<TestPlayer & { login: string }> {
    const player = await join(server.url, name);
    const login = email();
    await player.client.auth.registerWithEmailAndPassword(login, PASSWORD);
    return { ...player, login };
  }

  it('[GD1] is exported with all that is kept of it, and of nobody else', async () => {
    const [ann, ben] = [await registered('Exported Ann'), await join(server.url, 'Ben')];
    const guild = await foundGuild(ann, [ben]);
    const [sword] = await service(server).grant(ann.id, { fungibles: { gold: 5 }, items: [{ kind: 'sword' }] });
    await service(server).grant(ben.id, { fungibles: { gold: 5 } });
    await trade(await sitDown(ann, ben), { fungibles: { gold: 2 } }, {});
    await service(server).call('POST', '/scores', { commandId: commandId(), board: 'arena', playerId: ann.id, score: 12 });
    const { status, body } = await exported(ann.id);
    assert.equal(status, 200);
    assert.deepEqual([body.player, body.login, body.frozen], [await service(server).player(ann.id), ann.login, false]);
    assert.deepEqual([body.guild?.id, body.guild?.rank, body.invitations, body.session?.roomId], [guild.id, 'leader', [], ann.room.roomId]);
    assert.deepEqual(body.scores.filter(({ board }) => board === 'arena').map(({ value }) => value), [12]);
    assert.deepEqual(body.ledger.map(({ reason, asset, item, quantity, giver, receiver }) => [reason, asset ?? item, quantity, giver, receiver]).toSorted(), [
      ['grant', 'gold', 5, null, ann.id], ['grant', sword, 1, null, ann.id], ['trade', 'gold', 2, ann.id, ben.id],
    ].toSorted());
    assert.doesNotMatch(JSON.stringify(body), /passwordHash|\$argon|scrypt/i);
    assert.deepEqual([(await exported(randomUUID())).body.code, (await exported('nobody')).body.code], ['UNKNOWN_PLAYER', 'BAD_REQUEST']);
    await leaveAll([guild.leader, ...guild.members]);
  });

  it('[GD2] is erased: signed in nowhere and never again, without a name, a login or a guild, and the ledger is as before', async () => {
    const name = `Gone ${randomUUID().slice(0, 8)}`;
    const [ann, ben] = [await registered(name), await join(server.url, 'Ben')];
    const guild = await foundGuild(ann, [ben]);
    await ann.room.request('player:rename', { commandId: commandId(), name: `${name}x` });
    await service(server).grant(ann.id, { fungibles: { gold: 5 }, items: [{ kind: 'sword' }] });
    await deposit(guild.leader.seat, { fungibles: { gold: 2 } });
    const zone = await joinZone(ann);
    const left = Promise.all([ann.room, zone, guild.leader.seat].map((room) => new Promise<number>((resolve) => void room.onLeave(resolve))));
    const history = async () => (await ops(server).must<{ entries: unknown[] }>('GET', `/items/${sword}`)).entries;
    const [{ id: sword } = { id: '' }] = (await service(server).player(ann.id)).items;
    const chain = await history();

    const answer = await erase(ann.id, { reason: 'a letter came' });
    assert.deepEqual([answer.status, answer.body], [200, { playerId: ann.id, erased: true }]);
    assert.deepEqual([...new Set(await left)], [REPLACED], 'its rooms are closed');
    assert.deepEqual([(await service(server).call<{ code: string }>('GET', `/players/${ann.id}`)).body.code, (await exported(ann.id)).body.code], ['UNKNOWN_PLAYER', 'UNKNOWN_PLAYER']);
    // Neither by the token that it has, nor by its login, nor by giving the old player a new one.
    await assert.rejects(joinPlayer(newClient(server.url, ann.token)), /UNAUTHENTICATED/);
    await assert.rejects(newClient(server.url, ann.token).joinOrCreate('zone', { zone: 'meadow' }), /UNAUTHENTICATED/);
    await assert.rejects(newClient(server.url).auth.signInWithEmailAndPassword(ann.login, PASSWORD));
    await assert.rejects(newClient(server.url, ann.token).auth.registerWithEmailAndPassword(email(), PASSWORD));
    // The login is free for another.
    const again = await join(server.url, 'Somebody else');
    await again.client.auth.registerWithEmailAndPassword(ann.login, PASSWORD);
    await until(async () => (await truthOf(server, guild.id))?.members.every(({ playerId }) => playerId === ben.id) ?? false, 5_000, 'it is in no guild');
    const truth = (await truthOf(server, guild.id))!;
    assert.deepEqual(truth.members.map(({ rank }) => rank), ['leader'], 'somebody leads on');
    assert.doesNotMatch(JSON.stringify(truth.log) + (await everything(ann)), new RegExp(name));
    assert.deepEqual(await history(), chain);
    // What it held nobody has, and nobody takes.
    assert.equal((await service(server).call<{ code: string }>('POST', '/burns', { commandId: commandId(), playerId: ann.id, fungibles: { gold: 1 }, items: [] })).body.code, 'ACCOUNT_FROZEN');
    await assertAuditGreen(server);

    assert.deepEqual((await erase(ann.id)).body, answer.body, 'asked again, it is as it was');
    assert.deepEqual((await ops(server).entries()).filter(({ target }) => target === ann.id).map(({ action, reason }) => [action, reason]), [['erase', 'a letter came']]);
    assert.equal((await erase(randomUUID())).body.code, 'UNKNOWN_PLAYER');
    await leaveAll([{ ...again }, ...guild.members]);
  });

  it('[GD2] the last member of a guild with something in its bank is erased all the same', async () => {
    const ann = await join(server.url, 'Lonely');
    const guild = await foundGuild(ann);
    await service(server).grant(ann.id, { fungibles: { gold: 5 } });
    await deposit(guild.leader.seat, { fungibles: { gold: 5 } });
    assert.equal((await erase(ann.id)).status, 200);
    assert.equal((await truthOf(server, guild.id))?.bank.fungibles['gold'], 5);
    await assertAuditGreen(server);
  });
});
