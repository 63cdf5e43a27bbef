import assert from 'node:assert/strict';
import type { Room } from '@colyseus/sdk';
import type { GuildEvent } from '../../schema/messages/guild.ts';
import type { GuildState } from '../../schema/states/guild-state.ts';
import { assertAuditGreen, assertShown } from '../kit/economy.ts';
import { commandId, join, joinPlayer, newClient, refusalOf, service, signIn, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { joinZone } from '../kit/trade.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';

type GuildRoom = Room<unknown, GuildState>;

describe('the guild room', () => {
  let server: TestServer;
  const data = temporaryDataFolder('databases');
  before(async () => (server = await startServer({ dataDir: data.folder })));
  after(async () => {
    await assertAuditGreen(server);
    await server.stop();
    data.remove();
  });

  const joinGuild = async (player: Pick<TestPlayer, 'client'>, guildId: string): Promise<GuildRoom> => {
    const room = (await player.client.joinOrCreate('guild', { guildId })) as unknown as GuildRoom;
    room.reconnection.enabled = false;
    await until(() => (room.state as Partial<GuildState>).members !== undefined && room.state.members.size > 0);
    return room;
  };
  const ask = <Answer = { version: number }>(room: Room | GuildRoom, type: string, body: object = {}) => (room as Room).request<unknown, Answer>(type, { commandId: commandId(), ...body });
  let named = 0;
  /** A guild of these, the first of whom leads, with a room open for each. */
  const foundWith = async (...players: TestPlayer[]): Promise<{ guildId: string; rooms: GuildRoom[] }> => {
    const [leader, ...others] = players as [TestPlayer, ...TestPlayer[]];
    const { guildId } = await ask<{ guildId: string }>(leader.room, 'guild:create', { name: `Guild ${++named}`, tag: `T${named}` });
    const rooms = [await joinGuild(leader, guildId)];
    for (const other of others) {
      await ask(rooms[0]!, 'guild:invite', { playerId: other.id });
      await ask(other.room, 'guild:accept', { guildId });
      rooms.push(await joinGuild(other, guildId));
    }
    return { guildId, rooms };
  };
  const truthOf = async (guildId: string) => (await service(server).call<{ version: number; bank: { fungibles: Record<string, number>; items: { id: string }[] }; members: { playerId: string; rank: string }[]; log: { seq: number }[] }>('GET', `/guilds/${guildId}`)).body;
  const converges = async (room: GuildRoom, guildId: string) => {
    const truth = await truthOf(guildId);
    const shown = () => ({
      version: room.state.version, fungibles: Object.fromEntries(room.state.bank.fungibles.entries()), items: [...room.state.bank.items.keys()].toSorted(),
      members: [...room.state.members].map(([player, { rank }]) => `${player} ${rank}`).toSorted(), log: [...room.state.log].map(({ seq }) => seq),
    });
    const wanted = JSON.stringify({
      version: truth.version, fungibles: truth.bank.fungibles, items: truth.bank.items.map(({ id }) => id).toSorted(), members: truth.members.map(({ playerId, rank }) => `${playerId} ${rank}`).toSorted(), log: truth.log.map(({ seq }) => seq),
    });
    await until(() => JSON.stringify(shown()) === wanted, 2_000, `the room shows ${JSON.stringify(shown())}, PostgreSQL ${wanted}`);
  };
  const newest = (room: GuildRoom) => room.state.log.at(-1);

  it('[GU8] shows what PostgreSQL says to all members, at once', async () => {
    const players = [await join(server.url, 'Ann'), await join(server.url, 'Bob')] as [TestPlayer, TestPlayer];
    const [ann, bob] = players;
    const { guildId, rooms } = await foundWith(ann, bob);
    const [sword = ''] = await service(server).grant(bob.id, { fungibles: { gold: 50 }, items: [{ kind: 'sword', attributes: { edge: 3 } }] });
    const { version } = await ask(rooms[1]!, 'guild:deposit', { items: [sword], fungibles: { gold: 30 } });
    await until(() => rooms.every((room) => room.state.version === version), 1_000, 'both show the version that was answered');
    await ask(rooms[0]!, 'guild:motd', { motd: 'Well met.\nBe kind.' });
    await ask(rooms[0]!, 'guild:rank', { playerId: bob.id, rank: 'officer' });
    await ask(rooms[1]!, 'guild:withdraw', { items: [sword], fungibles: { gold: 5 } });
    for (const room of rooms) {
      await converges(room, guildId);
      assert.deepEqual([room.state.motd, newest(room)?.event, newest(room)?.actorName, JSON.parse(newest(room)?.details ?? '')], ['Well met.\nBe kind.', 'withdraw', 'Bob', { fungibles: { gold: 5 }, items: [{ id: sword, kind: 'sword' }] }]);
    }
    for (const player of players) await assertShown(server, player);
    const state = bob.room.state as { guildId: string; guildRank: string };
    assert.deepEqual([state.guildId, state.guildRank], [guildId, 'officer']);
  });

  it('[GU8] is for members only; who stops being one is answered, and closed with 4101', async () => {
    const [ann, bob, cat, eve] = (await Promise.all(['Ann', 'Bob', 'Cat', 'Eve'].map((name) => join(server.url, name)))) as [TestPlayer, TestPlayer, TestPlayer, TestPlayer];
    const { guildId, rooms } = await foundWith(ann, bob, cat);
    await assert.rejects(joinGuild(eve, guildId), /GUILD_FORBIDDEN/);
    await assert.rejects(joinGuild(eve, commandId()), /GUILD_NOT_FOUND/);
    await assert.rejects(joinGuild(eve, 'x'), /BAD_REQUEST/);
    const left = rooms.map((room) => new Promise<number>((resolve) => room.onLeave((code) => resolve(code))));
    await ask(rooms[0]!, 'guild:kick', { playerId: bob.id });
    assert.equal(await left[1], 4101);
    await assert.rejects(joinGuild(bob, guildId), /GUILD_FORBIDDEN/);
    await ask(rooms[2]!, 'guild:leave');
    assert.equal(await left[2], 4101);
    await ask(rooms[0]!, 'guild:disband');
    assert.equal(await left[0], 4101);
    for (const player of [ann, bob, cat]) await until(() => (player.room.state as { guildId: string }).guildId === '', 1_000, 'nobody is in it');
  });

  it('[GN1] tells every member who is there what happens, and who is asked that they are', async () => {
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    const heard: string[] = [];
    const invited: unknown[] = [];
    ann.room.onMessage('guild:event', ({ event, name, subjectName, fungibles }: GuildEvent) => heard.push([event, name, subjectName, fungibles?.['gold']].filter((word) => word !== undefined).join(' ')));
    bob.room.onMessage('guild:invited', (invitation) => invited.push(invitation));
    const { guildId } = await ask<{ guildId: string }>(ann.room, 'guild:create', { name: `Guild ${++named}`, tag: `T${named}` });
    await until(() => (ann.room.state as { guildRank: string }).guildRank === 'leader', 1_000, 'the founder leads');
    const room = await joinGuild(ann, guildId);
    await ask(room, 'guild:invite', { playerId: bob.id });
    await until(() => invited.length === 1, 1_000, 'who is invited hears of it');
    assert.deepEqual(invited, [{ guildId, name: `Guild ${named}`, from: ann.id, fromName: 'Ann' }]);
    const { invitations } = await bob.room.request<unknown, { invitations: { guildId: string; from: string }[] }>('guild:invitations', {});
    assert.deepEqual(invitations.map((invitation) => [invitation.guildId, invitation.from]), [[guildId, ann.id]]);
    await ask(bob.room, 'guild:accept', { guildId });
    await service(server).grant(bob.id, { fungibles: { gold: 5 } });
    await ask(await joinGuild(bob, guildId), 'guild:deposit', { fungibles: { gold: 5 } });
    await until(() => heard.length >= 4, 1_000, `heard ${heard.join(', ')}`);
    assert.deepEqual(heard, ['invite Ann Bob', 'join Bob', 'online Bob', 'deposit Bob 5']);
    await bob.leave();
    await until(() => heard.at(-1) === 'offline Bob', 1_000, `heard ${heard.join(', ')}`);
  });

  it('[GN2] members see who is there, come and go, and under which name', async () => {
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    const { rooms } = await foundWith(ann, bob);
    const isOnline = () => rooms[0]!.state.members.get(bob.id)?.online;
    await until(() => isOnline() === true && rooms[0]!.state.members.get(ann.id)?.online === true, 1_000, 'both are there');
    await bob.leave();
    await until(() => isOnline() === false, 1_000, 'Bob is gone');
    const again = await joinPlayer(bob.client);
    await until(() => isOnline() === true, 1_000, 'Bob is back');
    // Through another client: the older session goes, and Bob is still there.
    const other = await joinPlayer(newClient(server.url, bob.token));
    await ask(other.room, 'player:rename', { name: 'Robert' });
    await until(() => rooms[0]!.state.members.get(bob.id)?.name === 'Robert', 1_000, 'the new name');
    assert.equal(isOnline(), true);
    await Promise.all([again.leave(), other.leave()]);
  });

  it('[GU8] a zone shows the tag of who is in a guild, as long as they are', async () => {
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    const zone = (await joinZone(ann)) as Room<unknown, { players: Map<string, { guildTag: string }> }>;
    const tagOf = (player: TestPlayer) => zone.state.players.get(player.id)?.guildTag;
    const { rooms } = await foundWith(ann, bob);
    await until(() => tagOf(ann) === `T${named}`, 1_000, 'who founded one there');
    await joinZone(bob);
    await until(() => tagOf(bob) === `T${named}`, 1_000, 'who comes with one');
    await ask(rooms[1]!, 'guild:leave');
    await until(() => tagOf(bob) === '', 1_000, 'who left it');
  });

  it('[GU3] an invitation is declined, and what is malformed is BAD_REQUEST', async () => {
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    const { guildId, rooms } = await foundWith(ann);
    await ask(rooms[0]!, 'guild:invite', { playerId: bob.id });
    assert.deepEqual(await bob.room.request('guild:decline', { guildId }), {});
    assert.equal((await refusalOf(ask(bob.room, 'guild:accept', { guildId }))).code, 'GUILD_FORBIDDEN');
    for (const [type, body] of [
      ['guild:deposit', { items: [], fungibles: {} }], ['guild:deposit', { fungibles: { gold: -1 } }], ['guild:withdraw', { fungibles: { gold: 1.5 } }], ['guild:withdraw', { fungibles: { gold: 2 ** 53 } }],
      ['guild:motd', { motd: 'x'.repeat(501) }], ['guild:motd', { motd: '\0' }], ['guild:rank', { playerId: bob.id, rank: 'king' }], ['guild:kick', { playerId: 'bob' }], ['guild:leave', { more: 1 }],
    ] as const) assert.equal((await refusalOf(ask(rooms[0]!, type, body))).code, 'BAD_REQUEST', `${type} ${JSON.stringify(body).slice(0, 60)}`);
    for (const body of [{ name: 'x', tag: 'OK' }, { name: 'Good name', tag: 'TOO LONG 1' }, { name: '<b>bold</b>', tag: 'OK' }, { name: 'x'.repeat(33), tag: 'OK' }]) assert.equal((await refusalOf(ask(bob.room, 'guild:create', body))).code, 'BAD_REQUEST');
    assert.equal((await refusalOf(ask(rooms[0]!, 'guild:deposit', { fungibles: { nothing: 1 } }))).code, 'UNKNOWN_ASSET');
  });

  it('[GU7] members read who is in it and ranks that may read the log over HTTP, in pages; strangers read nothing', async () => {
    const [ann, bob, eve] = (await Promise.all(['Ann', 'Bob', 'Eve'].map((name) => join(server.url, name)))) as [TestPlayer, TestPlayer, TestPlayer];
    const { guildId, rooms } = await foundWith(ann, bob);
    for (let at = 0; at < 5; at++) await ask(rooms[0]!, 'guild:motd', { motd: String(at) });
    const get = async <Body>(route: string, token?: string) => {
      const response = await fetch(`${server.url}/guilds/${guildId}${route}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: (await response.json()) as Body };
    };
    const page = (await get<{ entries: { seq: number }[]; next: number | null }>('/log?limit=5', ann.token)).body;
    const last = (await get<{ entries: { seq: number; event: string }[]; next: number | null }>(`/log?limit=5&before=${page.next}`, ann.token)).body;
    assert.deepEqual([...page.entries, ...last.entries].map(({ seq }) => seq), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert.deepEqual([last.next, last.entries.at(-1)?.event], [null, 'create']);
    const members = (await get<{ members: { name: string; rank: string; online: boolean }[] }>('', bob.token)).body.members;
    assert.deepEqual(members.map(({ name, rank, online }) => [name, rank, online]).toSorted(), [['Ann', 'leader', true], ['Bob', 'member', true]]);
    const statuses = await Promise.all([get('/log', bob.token), get('/log', eve.token), get('', eve.token), get('/log'), get('', 'forged'), get('/log?limit=0', ann.token), get('/log?before=x', ann.token)]);
    assert.deepEqual(statuses.map(({ status }) => status), [403, 403, 403, 401, 401, 400, 400]);
  });

  it('[GU8] a server that was killed opens it again from PostgreSQL', async () => {
    const [ann, bob] = [await join(server.url, 'Ann'), await join(server.url, 'Bob')];
    const { guildId, rooms } = await foundWith(ann, bob);
    await service(server).grant(ann.id, { fungibles: { gold: 9 } });
    await ask(rooms[0]!, 'guild:deposit', { fungibles: { gold: 9 } });
    await server.kill('SIGKILL');
    server = await startServer({ dataDir: data.folder });
    const signedIn = await signIn(server.url);
    assert.notEqual(signedIn.id, ann.id);
    const client = newClient(server.url, ann.token);
    const back = await joinPlayer(client);
    const room = await joinGuild({ client }, guildId);
    await converges(room, guildId);
    assert.equal(room.state.bank.fungibles.get('gold'), 9);
    await until(() => room.state.members.get(ann.id)?.online === true && room.state.members.get(bob.id)?.online === false, 1_000, 'only who came back is there');
    await back.leave();
  });
});
