import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { newHoldings, newItem, seededRandom } from '../../loadtest/bench/kit/holdings.ts';
import { PlayerWire } from '../../loadtest/bench/kit/player-wire.ts';
import { residentBytes } from '../../loadtest/bench/kit/process-memory.ts';
import { treeCpuUs } from '../../loadtest/bench/kit/process-cpu.ts';
import { zipf } from '../../loadtest/bench/kit/zipf.ts';
import { carried } from '../../loadtest/bench/online/limit.ts';
import { Tally } from '../../loadtest/bench/trades/tally.ts';
import type { Holdings, Item, PlayerRecord } from '../../schema/holdings.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { diffHoldings } from '../../schema/inventory-delta.ts';
import { Refusal } from '../../schema/refusals.ts';
import { commandId, join, service, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { sitDown, trade } from '../kit/trade.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** The first byte of a frame that carries a patch of the state. */
const ROOM_STATE_PATCH = 15;

interface Line {
  name: string;
  results: { what: string; ours: number; ceiling: number; ratio: number; unit: string }[];
}

/** One short round. Only what is counted is asserted: times belong to whoever reads the table. */
async function bench(name: string, ...more: string[]): Promise<Line> {
  const { folder, remove } = temporaryFolder();
  const { stdout } = await promisify(execFile)(process.execPath, ['loadtest/bench.ts', name, '--json', '--rounds', '1', ...more], { cwd: ROOT, env: { ...process.env, TMPDIR: folder } }).finally(remove);
  const line = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Line;
  assert.equal(line.name, name);
  assert.ok(line.results.length > 0);
  for (const result of line.results) {
    assert.deepEqual(Object.keys(result), ['what', 'ours', 'ceiling', 'ratio', 'unit']);
    assert.ok(result.ours > 0 && result.ceiling > 0, result.what);
    assert.equal(result.ratio, result.ours / result.ceiling);
    assert.ok(stdout.includes(result.what), `the table shows "${result.what}"`);
  }
  return line;
}

function ratios({ results }: Line, pattern: RegExp): number[] {
  const found = results.filter(({ what }) => pattern.test(what)).map(({ ratio }) => ratio);
  assert.ok(found.length > 0, `a result is about ${pattern}`);
  return found;
}

describe('benchmarks', function () {
  this.timeout(400_000);

  it('delta: a patch has the bytes that were promised', async () => {
    const line = await bench('delta');
    for (const ratio of ratios(line, /^one .*against full JSON$|^trade of 2 .*against full JSON$/)) assert.ok(ratio <= 0.02, `${ratio} of the full JSON`);
    for (const ratio of ratios(line, /^one stack changed, against JSON diff$/)) assert.ok(ratio <= 0.2, `${ratio} of the JSON diff`);
    for (const ratio of ratios(line, /^trade .*against JSON diff$/)) assert.ok(ratio <= 0.5, `${ratio} of the JSON diff`);
    // Three new unique items are three ids of 36 characters and their attributes, whatever encodes them: near 2 %, not below.
    for (const ratio of ratios(line, /^trade of 3 .*against full JSON$/)) assert.ok(ratio <= 0.023, `${ratio} of the full JSON`);
    const largest = line.results.find(({ what }) => what.includes('the largest of all'));
    assert.ok(largest !== undefined && largest.ours <= 12, `${largest?.ours} bytes for a quantity`);
  });

  it('inventory: the cache spares the queries that were promised, and a stampede is one', async () => {
    const line = await bench('inventory', '--players', '100');
    const queries = line.results.filter(({ unit }) => unit === 'queries');
    assert.deepEqual(queries.map(({ what }) => /simultaneous|with and without/.exec(what)?.[0]), ['with and without', 'simultaneous']);
    const [spared, stampede] = queries;
    assert.equal(spared?.ceiling, 2_000);
    assert.ok((spared?.ratio ?? 1) <= 0.05, `${spared?.ours} queries`);
    assert.equal(stampede?.ours, 1);
  });

  it('sessions: a session has the bytes that were promised, and all of it is measured', async () => {
    const line = await bench('sessions', '--players', '1000');
    for (const ratio of ratios(line, /^a session in MessagePack, against JSON with names$/)) assert.ok(ratio <= 0.5, `${ratio} of the JSON`);
    for (const ratio of ratios(line, /^a session in MessagePack, against JSON without names$/)) assert.ok(ratio < 1, `${ratio} of the JSON`);
    for (const ratio of ratios(line, /^pooled session objects: memory/)) assert.ok(ratio <= 0.1, `${ratio} of the memory of new objects`);
    for (const part of [/^look-up, p99/, /^look-ups, 100 in flight/, /^renewal of 10,000/, /^take-over: all of it/, /^take-over: the epoch/, /^pooled session objects: a release/, /^new accounts by HTTP/]) ratios(line, part);
  });

  it('shards: a small run measures all of it, and every economy that it traded in holds', async () => {
    const line = await bench('shards', '--players', '2000', '--shards', '2', '--round-ms', '50');
    assert.deepEqual(ratios(line, /^invariants that hold by the audit/), [1, 1, 1]);
    for (const part of [/^1,000 players over 2 shards/, /^1,000 holdings over 2 shards/, /^two-phase, one trade/, /^two-phase, batches of 100/, /^a batch of 100 with the slot map’s/, /^a gathering in batches of 100/, /^same shard pairs, 2 shards/, /^random pairs, 2 shards/, /^a trade among 2,000 players/]) ratios(line, part);
  });

  it('guilds: a small run measures all of it; a hundred deposits at once are one transaction, news is one message, and the economies hold', async () => {
    const line = await bench('guilds', '--players', '40', '--round-ms', '40');
    for (const ratio of ratios(line, /^100 deposits asked at once/)) assert.equal(ratio, 0.01);
    assert.deepEqual(ratios(line, /messages that Redis was given/), [1]);
    assert.deepEqual(ratios(line, /^invariants that hold by the audit/), [1, 1, 1]);
    for (const part of [/^one guild of 100, 100 in flight, against the strongest/, /^one guild of 100, 1,000 in flight/, /^100 guilds of 10/, /one transaction for each/, /^invited players come to one guild/, /^members of a guild of 100, cold/, /^a lonely deposit over a socket/, /until the last of them has/]) ratios(line, part);
  });

  it('leaderboards: a small run measures all of it, and the sets hold what PostgreSQL says before and after', async () => {
    const line = await bench('leaderboards', '--players', '2000', '--round-ms', '40');
    assert.deepEqual(ratios(line, /^(?:filled|after the submissions): /), [1, 1, 1, 1, 1, 1]);
    for (const part of [
      /^filling the sets of 2,000 scores/, /^top 100 over ten regions, 100 in flight/, /^top 100 of one region/, /^rank over ten regions/, /^rank in a region/, /^11 rows around a player over ten regions/,
      /^top 100 over ten regions, against the slowest/, /^rank over ten regions, 2,000 players, against 200/, /against PostgreSQL without sorted sets/, /^an entry of a set by rule best/, /^an entry of a set by rule latest/,
      /^updates by rule best, 2,000 at a time/, /^updates by rule latest, 100 at a time/, /^a score submitted on one database, one at a time/, /^scores submitted on one database, 100 in flight/, /^scores submitted on one database, 1,000 in flight/, /^top 100 by HTTP, 100 connections/, /^an entry in a process’s own memory/,
    ]) ratios(line, part);
  });

  it('online: a small run measures all of it; everybody gets the patches of the interval that was set', async () => {
    const line = await bench('online', '--players', '40', '--round-ms', '500');
    for (const part of [/^40 players: until a move is seen by who made it, p99/, /^40 players: how late its event loop is/, /^players who are served, of 40/]) ratios(line, part);
    const patches = line.results.find(({ unit }) => unit === 'patches/s');
    for (const perSecond of [patches?.ours ?? 0, patches?.ceiling ?? 0]) assert.ok(perSecond > 2 && perSecond < 15, `${perSecond} patches a second, of ten`);
  });

  it('online: a server carries who was served, and of the next step the part before the first limit', () => {
    const step = (players: number, patches: number, p99: number) => ({ players, patches, p99 });
    assert.equal(carried([step(500, 10, 100), step(1_000, 9.5, 120)]), 1_000);
    assert.equal(carried([step(500, 10, 100), step(1_000, 9.5, 400)]), 750);
    assert.equal(carried([step(500, 10, 100), step(1_000, 8, 110)]), 750);
    assert.equal(carried([step(500, 10, 100), step(1_000, 6, 400)]), 625);
    assert.equal(carried([step(500, 8, 100)]), 250);
  });

  it('join: what is read for a join does not depend on how many players have rooms', async () => {
    const line = await bench('join', '--players', '2000');
    const [few, , many] = line.results.filter(({ unit }) => unit === 'bytes');
    assert.ok((many?.ours ?? 0) < (few?.ours ?? 0) * 1.2, `${few?.ours} bytes with 10 rooms, ${many?.ours} with 2,000`);
    assert.ok((many?.ratio ?? 1) < 0.05, `${many?.ratio} of the stock driver's`);
    assert.equal(ratios(line, /^p50 with 2,000/).length, 2);
  });

  it('the CPU of a process and its descendants counts those that ended', async function () {
    const before = treeCpuUs(process.pid);
    if (before === undefined) return this.skip();
    const burn = `for (const end = process.cpuUsage().user + 200_000; process.cpuUsage().user < end; );`;
    await promisify(execFile)(process.execPath, ['-e', burn]);
    const used = (treeCpuUs(process.pid) ?? 0) - before;
    assert.ok(used >= 190_000, `${used} µs for a child that used 200,000`);
  });

  it('the memory of a process is what it says itself', function () {
    const bytes = residentBytes(process.pid);
    if (bytes === undefined) return this.skip();
    const rss = process.memoryUsage.rss();
    assert.ok(Math.abs(bytes - rss) < 0.1 * rss, `${bytes} bytes, of ${rss}`);
    assert.equal(residentBytes(2 ** 30), undefined);
  });

  it('a refused trade is the client’s mistake only if a settled one took the item meanwhile', () => {
    const [tally, now] = [new Tally(), performance.now()];
    const attempt = { pair: ['a' as PlayerId, 'b' as PlayerId] as const, items: ['x' as ItemId, 'y' as ItemId] as const, since: now };
    const refused = (item: string) => tally.failed(attempt, new Refusal('NOT_OWNER', { item }));
    tally.succeeded({ ...attempt, items: ['x' as ItemId, 'z' as ItemId] });
    const valid = () => tally.rows('here')[0]?.ceiling;
    refused('x');
    assert.equal(valid(), 1);
    refused('y');
    assert.equal(valid(), 2);
    tally.failed(attempt, new Refusal('BUSY'));
    assert.equal(valid(), 3);
  });

  it('Zipf: the first rank comes as often as it should', () => {
    const [random, rank] = [seededRandom(9), zipf(3, 1)];
    const counts = [0, 0, 0];
    for (let drawn = 0; drawn < 11_000; drawn++) counts[rank(random)]!++;
    assert.ok(counts.every((count, at) => Math.abs(count - 6_000 / (at + 1)) < 300), String(counts));
  });

  describe('over a real socket', () => {
    let server: TestServer;
    let players: TestPlayer[] = [];
    before(async () => {
      server = await startServer();
      players = await Promise.all([join(server.url), join(server.url)]);
    });
    after(async () => {
      await Promise.all(players.map((player) => player.leave()));
      await server.stop();
    });

    it('[DS3] each change is one frame, of the bytes that the bench counts and one for its type', async () => {
      const [player, partner] = players as [TestPlayer, TestPlayer];
      const { grant, call, player: read } = service(server);
      const random = seededRandom(4);
      const { fungibles, items } = newHoldings(random, 100);
      await grant(player.id, { fungibles, items: items.map(asked) });
      const wanted = await grant(partner.id, { items: [newItem(random), newItem(random), newItem(random)].map(asked) });
      await until(() => versionOf(player) === 1);

      let held = holdingsOf(await read(player.id));
      const wire = new PlayerWire(player.id as PlayerId, held);
      const frames = patchesOf(player);
      const assertBytes = async (what: string, change: () => Promise<unknown>) => {
        await change();
        const after = holdingsOf(await read(player.id));
        await until(() => versionOf(player) === after.version);
        const counted = wire.patchBytes(diffHoldings(player.id as PlayerId, held, after));
        assert.deepEqual(frames.splice(0), [counted + 1], what);
        held = after;
      };

      await assertBytes('one stack changed', () => grant(player.id, { fungibles: { ore: 3 } }));
      await assertBytes('one item added', () => grant(player.id, { items: [asked(newItem(random))] }));
      await assertBytes('one item removed', () => call('POST', '/burns', { commandId: commandId(), playerId: player.id, items: [held.items[7]?.id] }));
      const table = await sitDown(player, partner);
      await assertBytes('a trade of 3 for 3', () => trade(table, { items: held.items.slice(20, 23).map(({ id }) => id) }, { items: wanted }));
    });
  });
});

const versionOf = ({ room }: TestPlayer): number => (room.state as { inventoryVersion: number }).inventoryVersion;

const holdingsOf = ({ inventoryVersion, fungibles, items }: PlayerRecord): Holdings => ({ version: inventoryVersion, fungibles, items });

/** What a grant asks for; the rest of an item is the server's. */
const asked = ({ kind, attributes }: Item) => ({ kind, attributes });

/** The sizes of the patches that arrive from now on, as they come off the socket. */
function patchesOf({ room }: TestPlayer): number[] {
  const sizes: number[] = [];
  const { ws } = room.connection.transport as unknown as { ws: WebSocket };
  ws.addEventListener('message', ({ data }) => {
    const frame = new Uint8Array(data as ArrayBuffer);
    if (frame[0] === ROOM_STATE_PATCH) sizes.push(frame.length);
  });
  return sizes;
}
