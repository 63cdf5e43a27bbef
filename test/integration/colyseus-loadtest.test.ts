import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ZoneState } from '../../schema/states/zone-state.ts';
import { join, until, type TestPlayer } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { hasTerminal, Terminal } from '../kit/terminal.ts';
import { joinZone } from '../kit/trade.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CLIENTS = 12;

describe("the framework's own load tool", function () {
  this.timeout(120_000);
  let server: TestServer;
  let watcher: TestPlayer;
  let tool: Terminal | undefined;
  const { folder, remove } = temporaryFolder();
  const output = path.join(folder, 'loadtest.log');
  const shows = (connected: number, disconnected: number) => {
    const screen = tool?.screen() ?? '';
    return [`numClients: ${CLIENTS} `, ` connected: ${connected} `, `disconnected: ${disconnected} `, 'failed: 0 '].every((line) => screen.includes(line));
  };

  before(async function () {
    if (!hasTerminal()) return this.skip();
    server = await startServer();
    watcher = await join(server.url, 'Watcher');
  });
  after(async () => {
    await tool?.end();
    await (server as TestServer | undefined)?.stop();
    remove();
  });

  it('counts as many as there are in the zone, who walk and gather', async () => {
    const zone = await joinZone(watcher);
    await new Promise((resolve) => zone.onStateChange.once(resolve));
    const { players, nodes } = zone.state as ZoneState;
    tool = new Terminal(`npm run loadtest:colyseus -- --room zone --numClients ${CLIENTS} --endpoint ${server.url.replace('http', 'ws')} --output ${output}`, { cwd: ROOT });
    await until(() => players.size === CLIENTS + 1, 40_000, 'all are in the zone');
    const places = new Map([...players].map(([id, { x, y }]) => [id, { x, y }]));
    const walked = ([id, { x, y }]: [string, { x: number; y: number }]) => id !== watcher.id && (x !== places.get(id)?.x || y !== places.get(id)?.y);
    await until(() => [...players].filter(walked).length === CLIENTS, 20_000, 'everybody walks');
    await until(() => [...nodes.values()].some(({ readyAt }) => readyAt > 0), 20_000, 'somebody gathers');
    // Guards the player's own room, which is joined past the tool's count: with it there were twice as many.
    await until(() => shows(CLIENTS, 0), 20_000, 'the tool shows as many');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, new RegExp(`^strongroom_sessions ${CLIENTS + 1}$`, 'm'));
    assert.match(metrics, /^strongroom_rooms\{room="zone"\} 1$/m);
  });

  it('counts who is dropped as disconnected, and ends with a summary without errors', async () => {
    await server.kill('SIGKILL');
    await until(() => shows(CLIENTS, CLIENTS), 20_000, 'the tool shows that all are gone');
    tool?.press('q');
    assert.equal(await tool?.exited, 0);
    const summary = readFileSync(output, 'utf8');
    assert.match(summary, new RegExp(`Successful connections: ${CLIENTS}\n`), summary);
    assert.match(summary, /Failed connections: 0\n/, summary);
    assert.match(summary, /Total errors: 0\n/, summary);
  });
});
