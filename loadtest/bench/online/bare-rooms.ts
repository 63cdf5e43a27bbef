import path from 'node:path';
import { defineRoom, defineServer, Room, type Client } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { collectDefaultMetrics, register } from 'prom-client';
import { PlayerState } from '../../../schema/states/player-state.ts';
import { NodeState, ZonePlayerState, ZoneState } from '../../../schema/states/zone-state.ts';
import { loadCatalog } from '../../../server/catalog/index.ts';

/**
 * A process of its own: Colyseus with `player` and `zone` rooms that show what ours show, and walk as ours do. No accounts,
 * no sessions, no economy, no storage: what it costs to have players online before anybody looks at them.
 */
const [port, patchIntervalMs] = process.argv.slice(2).map(Number) as [number, number];
const TICK_MS = 50;
const PLAYERS_MAX = 100;
const meadow = loadCatalog(path.resolve(import.meta.dirname, '../../../catalog.yaml')).zone('meadow');
if (meadow === undefined) throw new Error('the catalogue has no meadow');
const { name: zone, width, height, speed, spawn, nodes } = meadow;

interface Point {
  x: number;
  y: number;
}

class BarePlayer extends Room<{ state: PlayerState }> {
  override maxClients = 1;
  override state = new PlayerState();

  override onCreate({ playerId }: { playerId: string }): void {
    Object.assign(this.state, { playerId, name: 'Walker', region: 'eu', level: 1, xp: 0 });
  }
}

class BareZone extends Room<{ state: ZoneState }> {
  override maxClients = PLAYERS_MAX;
  override patchRate = patchIntervalMs;
  override state = new ZoneState();
  readonly #players = new Map<string, string>();
  readonly #targets = new Map<string, Point>();

  override onCreate(): void {
    Object.assign(this.state, { zone, width, height });
    for (const { id, asset, x, y } of nodes) this.state.nodes.set(id, new NodeState({ asset, x, y, readyAt: 0 }));
    this.setSimulationInterval((elapsedMs) => this.#walk(elapsedMs), TICK_MS);
    this.onMessage('move', (client: Client, { x, y }: Point) => {
      const playerId = this.#players.get(client.sessionId);
      if (playerId !== undefined) this.#targets.set(playerId, { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) });
    });
  }

  override onJoin(client: Client, { playerId }: { playerId: string }): void {
    this.#players.set(client.sessionId, playerId);
    this.state.players.set(playerId, new ZonePlayerState({ name: 'Walker', level: 1, ...spawn }));
  }

  override onLeave(client: Client): void {
    const playerId = this.#players.get(client.sessionId) ?? '';
    this.#players.delete(client.sessionId);
    this.#targets.delete(playerId);
    this.state.players.delete(playerId);
  }

  #walk(elapsedMs: number): void {
    const reach = (speed * elapsedMs) / 1000;
    for (const [playerId, target] of this.#targets) {
      const at = this.state.players.get(playerId);
      if (at === undefined) continue;
      const left = Math.hypot(target.x - at.x, target.y - at.y);
      if (left <= reach) this.#targets.delete(playerId);
      at.x = left <= reach ? target.x : at.x + ((target.x - at.x) * reach) / left;
      at.y = left <= reach ? target.y : at.y + ((target.y - at.y) * reach) / left;
    }
  }
}

collectDefaultMetrics();
const server = defineServer({
  transport: new WebSocketTransport(),
  greet: false,
  rooms: { player: defineRoom(BarePlayer).filterBy(['playerId' as never]), zone: defineRoom(BareZone).filterBy(['zone' as never]) },
  express: (app) => {
    app.get('/metrics', async (_request, response) => void response.type('text').send(await register.metrics()));
  },
});
// It ends with who started it.
process.once('disconnect', () => process.exit(0));
await server.listen(port, '127.0.0.1');
