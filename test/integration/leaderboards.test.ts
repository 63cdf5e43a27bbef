import assert from 'node:assert/strict';
import { getStateCallbacks, type Room } from '@colyseus/sdk';
import type { BoardInfo, BoardPlace, BoardRows } from '../../schema/leaderboard.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import { commandId, join, refusalOf, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';

interface Shown {
  season: number;
  top: { rank: number; playerId: string; name: string; score: number; region: string }[];
}

describe('leaderboards of a server', () => {
  let server: TestServer;
  let ann: TestPlayer;
  let ben: TestPlayer;
  let cat: TestPlayer;
  before(async () => {
    server = await startServer();
    [ann, ben, cat] = await Promise.all([join(server.url, 'Ann'), join(server.url, 'Ben', 'eu'), join(server.url, 'Cat', 'us')]);
  });
  after(async () => {
    await Promise.all([ann, ben, cat].map((player) => player?.leave()));
    await server.stop();
  });

  const submit = async (board: string, playerId: string, score: unknown, id = commandId()) => await service(server).call<{ score: number; season: number } & RefusalReply>('POST', '/scores', { commandId: id, board, playerId, score });
  const read = async <Body>(path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}/leaderboards${path}`, { headers });
    return { status: response.status, headers: response.headers, body: (response.status === 304 ? undefined : await response.json()) as Body };
  };

  it('[LB1] are listed with their rules, regions and seasons', async () => {
    const { boards } = (await read<{ boards: BoardInfo[] }>('')).body;
    assert.deepEqual(boards.map(({ name, rule, regions, season }) => [name, rule, regions, season]), [
      ['arena', 'best', ['eu', 'us', 'asia'], 1], ['gathered', 'sum', ['eu', 'us', 'asia'], 1], ['trades', 'sum', ['eu', 'us', 'asia'], 1], ['wealth', 'latest', ['eu', 'us', 'asia'], 1],
    ]);
    assert.ok((boards[1]?.endsAt ?? 0) > Date.now());
    assert.equal(boards[0]?.endsAt, null);
  });

  it('[LB4] show a score as soon as it was answered, everywhere and in its region, with ranks that equal scores share', async () => {
    assert.equal((await submit('arena', ann.id, 50)).body.score, 50);
    assert.equal((await submit('arena', ben.id, 70)).body.score, 70);
    assert.equal((await submit('arena', cat.id, 70)).body.score, 70);
    assert.equal((await submit('arena', cat.id, 60)).body.score, 70);
    const { body } = await read<BoardRows>('/arena');
    assert.deepEqual(body.rows.map(({ rank, name, score, region }) => [rank, name, score, region]).toSorted(), [[1, 'Ben', 70, 'eu'], [1, 'Cat', 70, 'us'], [3, 'Ann', 50, 'eu']]);
    assert.deepEqual((await read<BoardRows>('/arena?region=eu&limit=1')).body.rows.map(({ name }) => name), ['Ben']);
    assert.deepEqual((await read<BoardPlace>(`/arena/players/${ann.id}`)).body, { board: 'arena', region: 'global', season: 1, playerId: ann.id, rank: 3, score: 50, missing: [] });
    assert.equal((await read<BoardPlace>(`/arena/players/${ann.id}?region=eu`)).body.rank, 2);
    assert.equal((await read<BoardPlace>(`/arena/players/${ann.id}?region=us`)).body.rank, null);
    assert.deepEqual((await read<BoardRows>(`/arena/players/${ann.id}/around?radius=1`)).body.rows.map(({ rank }) => rank), [1, 3]);
    assert.equal((await read<BoardPlace>(`/wealth/players/${ann.id}`)).body.rank, null);
  });

  it('[LB3] refuse what is wrong by the table, and it changes nothing', async () => {
    const id = commandId();
    for (const [body, code] of [
      [['nowhere', ann.id, 1], 'BAD_REQUEST'], [['arena', ann.id, 1.5], 'BAD_REQUEST'], [['arena', ann.id, '5'], 'BAD_REQUEST'], [['arena', ann.id, 2 ** 53], 'BAD_REQUEST'],
      [['gathered', ann.id, -1], 'BAD_REQUEST'], [['arena', commandId(), 1], 'UNKNOWN_PLAYER'], [['arena', 'ann', 1], 'BAD_REQUEST'],
    ] as const) assert.equal((await submit(...(body as unknown as [string, string, unknown]), id)).body.code, code, JSON.stringify(body));
    assert.equal((await submit('gathered', ann.id, 5, id)).status, 200);
    assert.equal((await submit('gathered', ann.id, 6, id)).body.code, 'COMMAND_REUSED');
    assert.equal((await read<BoardPlace>(`/gathered/players/${ann.id}`)).body.score, 5);
    for (const path of ['/nowhere', '/arena?region=mars', '/arena?limit=0', '/arena?limit=101', '/arena/players/ann', `/arena/players/${ann.id}/around?radius=51`]) {
      const { status, body } = await read<RefusalReply>(path);
      assert.deepEqual([status, body.code], [400, 'BAD_REQUEST'], path);
    }
    assert.equal((await read<RefusalReply>(`/arena/players/${commandId()}`)).body.code, 'UNKNOWN_PLAYER');
    const unsigned = await fetch(`${server.url}/service/scores`, { method: 'POST', body: '{}' });
    assert.equal(unsigned.status, 401);
  });

  it('[LB9] say to caches how long they are fresh, and that nothing changed', async () => {
    const first = await read<BoardRows>('/arena');
    assert.equal(first.headers.get('cache-control'), 'public, max-age=1');
    const etag = first.headers.get('etag') ?? '';
    assert.equal((await read('/arena', { 'if-none-match': etag })).status, 304);
    await submit('arena', ann.id, 55);
    const changed = await read<BoardRows>('/arena', { 'if-none-match': etag });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.get('etag'), etag);
  });

  it('[LB9] answer an address the second time as the first, to each origin, with the rows of now', async () => {
    const from = (origin: string, path = '/arena?limit=2') => read<BoardRows>(path, { origin });
    const told = ({ status, headers, body }: Awaited<ReturnType<typeof from>>) => [status, [...headers].filter(([name]) => name !== 'date'), body.rows.length];
    const first = await from('https://one.example');
    assert.deepEqual(told(await from('https://one.example')), told(first));
    assert.equal(first.headers.get('access-control-allow-origin'), 'https://one.example');
    assert.equal((await from('https://two.example')).headers.get('access-control-allow-origin'), 'https://two.example');
    assert.equal((await fetch(`${server.url}/leaderboards/arena?limit=2`, { method: 'HEAD' })).headers.get('etag'), first.headers.get('etag'));
    await submit('arena', ann.id, 56);
    assert.equal((await from('https://one.example', '/arena')).body.rows[2]?.score, 56);
  });

  describe('in a room', () => {
    let room: Room;
    const shown = () => (room.state as unknown as { toJSON(): Shown }).toJSON();
    before(async () => {
      room = await ann.client.joinOrCreate('leaderboard', { board: 'arena', region: 'global' });
      await until(() => (room.state as { top?: { length: number } }).top?.length === 3, 5_000, 'the board is shown');
    });
    after(() => room.leave());

    it('[LB9] show the best within a second or so of a change, and only what changed is sent', async () => {
      assert.deepEqual(shown().top.map(({ rank, score }) => [rank, score]), [[1, 70], [1, 70], [3, 56]]);
      const last = (room.state as unknown as { top: object[] }).top[2];
      let changed = 0;
      const callbacks = getStateCallbacks(room as never) as unknown as (row: unknown) => { onChange(listener: () => void): void };
      callbacks(last).onChange(() => changed++);
      await submit('arena', ann.id, 60);
      await until(() => shown().top[2]?.score === 60, 3_000, 'the new score is shown');
      assert.ok(changed > 0 && (room.state as unknown as { top: object[] }).top[2] === last, 'its row is the same one');
      await submit('arena', ann.id, 90);
      await until(() => shown().top[0]?.score === 90, 3_000, 'the new first is shown');
      assert.deepEqual(shown().top.map(({ rank, name, score }) => [rank, name, score])[0], [1, 'Ann', 90]);
      assert.deepEqual(shown().top.slice(1).map(({ rank, score }) => [rank, score]), [[2, 70], [2, 70]]);
    });

    it('[LB2] answer the rows around oneself, or around another', async () => {
      const own = await room.request<unknown, BoardRows>('leaderboard:around', {});
      assert.deepEqual(own.rows.map(({ name }) => name)[0], 'Ann');
      const others = await room.request<unknown, BoardRows>('leaderboard:around', { playerId: cat.id, radius: 0 });
      assert.deepEqual(others.rows.map(({ name, rank }) => [name, rank]), [['Cat', 2]]);
      assert.equal((await refusalOf(room.request('leaderboard:around', { radius: 51 }))).code, 'BAD_REQUEST');
    });

    it('[LB2] rank the members of one’s guild among themselves', async () => {
      assert.equal((await refusalOf(room.request('leaderboard:guild', {}))).code, 'GUILD_NOT_FOUND');
      const { guildId } = await ann.room.request<unknown, { guildId: string }>('guild:create', { commandId: commandId(), name: 'The Best', tag: 'BEST' });
      const hall = await ann.client.joinOrCreate('guild', { guildId });
      await hall.request('guild:invite', { commandId: commandId(), playerId: cat.id });
      await cat.room.request('guild:accept', { commandId: commandId(), guildId });
      await hall.leave();
      const { rows } = await room.request<unknown, BoardRows>('leaderboard:guild', {});
      assert.deepEqual(rows.map(({ rank, name, score }) => [rank, name, score]), [[1, 'Ann', 90], [2, 'Cat', 70]]);
    });

    it('[LB9] there is none of a board or a region that there is not', async () => {
      for (const options of [{}, { board: 'nowhere' }, { board: 'arena', region: 'mars' }, { board: 5 }]) await assert.rejects(ann.client.joinOrCreate('leaderboard', options as never), /BAD_REQUEST/, JSON.stringify(options));
      const everywhere = await ben.client.joinOrCreate('leaderboard', { board: 'arena' });
      assert.equal(everywhere.roomId, room.roomId, 'without a region it is all of them');
      await everywhere.leave();
    });
  });
});
