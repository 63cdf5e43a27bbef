import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Who may: the loopback counts for metrics alone, and only where no proxy stands between. */
export type Who = 'anyone' | 'player' | 'service' | 'admin' | 'service or loopback';

/** Every route there is, with whoever may. One that is not here fails the test that lists them. */
export const ROUTES: Record<string, Who> = {
  'GET /healthz': 'anyone', 'GET /readyz': 'anyone', 'GET /catalog': 'anyone', 'GET /metrics': 'service or loopback',
  'GET /leaderboards': 'anyone', 'GET /leaderboards/:board': 'anyone', 'GET /leaderboards/:board/seasons': 'anyone', 'GET /leaderboards/:board/players/:playerId': 'anyone', 'GET /leaderboards/:board/players/:playerId/around': 'anyone',
  'GET /guilds/:guildId': 'player', 'GET /guilds/:guildId/log': 'player',
  // Its four routes are the library's, see LIBRARY.
  'POST /auth/login': 'anyone',
  // Whoever asks needs a token for any room, see the test of rooms.
  'POST /matchmake/:method/:roomName': 'anyone',
  'POST /service/grants': 'service', 'POST /service/burns': 'service', 'POST /service/scores': 'service', 'POST /service/players': 'service', 'GET /service/players/:playerId': 'service', 'GET /service/players/:playerId/export': 'service',
  'GET /service/players/:playerId/session': 'service', 'DELETE /service/players/:playerId': 'service', 'GET /service/guilds/:guildId': 'service', 'GET /service/items/:itemId/history': 'service', 'GET /service/audit': 'service',
  // Leads to the page behind the password.
  'GET /ops.html': 'anyone',
  'GET /ops': 'admin', 'GET /ops/api/state': 'admin', 'GET /ops/api/series': 'admin', 'GET /ops/api/players': 'admin', 'GET /ops/api/players/:playerId': 'admin', 'POST /ops/api/players/:playerId/freeze': 'admin', 'GET /ops/api/items/:itemId': 'admin',
  'GET /ops/api/trades/:transactionId': 'admin', 'POST /ops/api/trades/:transactionId/reverse': 'admin', 'GET /ops/api/pauses': 'admin', 'POST /ops/api/pauses': 'admin', 'GET /ops/api/entries': 'admin',
  'GET /monitor/': 'admin', 'GET /monitor/**:splat': 'admin', 'GET /monitor/api': 'admin', 'GET /monitor/api/room': 'admin', 'GET /monitor/api/room/call': 'admin',
  'GET /playground/': 'admin', 'GET /playground/**:splat': 'admin', 'GET /playground/rooms': 'admin', 'GET /playground/__apidocs': 'admin', 'GET /playground/profiling/profile.cpuprofile': 'admin', 'GET /playground/profiling/report.html': 'admin',
  'GET /playground/profiling/status': 'admin', 'POST /playground/profiling/start': 'admin', 'POST /playground/profiling/stop': 'admin',
};

/** What is passed on the way to them and could answer by itself: guards, parsers, limits, the client's files and what ends a tree. */
export const PASSED = [
  'USE  compression', 'USE  serveStatic', 'USE  unnamed', 'USE  unnamed', 'USE /auth jsonParser', 'USE /auth unnamed', 'USE /auth unnamed', 'USE /monitor demandSameOrigin', 'USE /monitor unnamed', 'USE /monitor unnamed', 'USE /ops demandSameOrigin', 'USE /ops jsonParser', 'USE /ops unnamed', 'USE /ops unnamed',
  'USE /ops/api unnamed', 'USE /ops/api unnamed', 'USE /playground demandSameOrigin', 'USE /playground unnamed', 'USE /playground unnamed', 'USE /service jsonParser', 'USE /service unnamed', 'USE /service unnamed',
];

/** Of @colyseus/auth, all that it offers: who may, or that we do not serve it. */
export const LIBRARY: Record<string, Who | 'nobody'> = {
  'POST /auth/anonymous': 'anyone', 'POST /auth/register': 'anyone', 'POST /auth/login': 'anyone', 'GET /auth/userdata': 'player',
  'POST /auth/forgot-password': 'nobody', 'GET /auth/reset-password': 'nobody', 'POST /auth/reset-password': 'nobody', 'GET /auth/confirm-email': 'nobody', 'GET /auth/provider/:providerId': 'nobody', 'GET /auth/provider/:providerId/callback': 'nobody',
};

/** Every room, and with which options a player is let in. */
export const ROOMS = ['player', 'zone', 'guild', 'leaderboard', 'trade'];

/** What the app in a folder really has. */
export function listRoutes({ root = ROOT, env = 'test' } = {}): { rooms: string[]; routes: string[] } {
  const { stdout, stderr } = spawnSync(process.execPath, ['test/kit/route-list.ts', root, env], { cwd: ROOT, encoding: 'utf8' });
  if (!stdout) throw new Error(`no list: ${stderr}`);
  return JSON.parse(stdout) as { rooms: string[]; routes: string[] };
}

export interface Known {
  player: string;
  guild: string;
  item: string;
}

/** A request for a route that would do something if it were let in: about a player, a guild and an item that are there. */
export function requestFor(route: string, { player, guild, item }: Known): { method: string; target: string; body?: object } {
  const [method = '', template = ''] = route.split(' ');
  const ids: Record<string, string> = { playerId: player, guildId: guild, itemId: item, transactionId: randomUUID(), board: 'wealth', method: 'joinOrCreate', roomName: 'zone' };
  const target = template.replace('**:splat', 'index.html').replaceAll(/:(\w+)/g, (_whole, name: string) => ids[name] ?? 'x');
  const commandId = randomUUID();
  const bodies: Record<string, object> = {
    'POST /service/grants': { commandId, playerId: player, fungibles: { gold: 5 }, items: [{ kind: 'sword' }] },
    'POST /service/burns': { commandId, playerId: player, fungibles: {}, items: [item] },
    'POST /service/scores': { commandId, board: 'arena', playerId: player, score: 5 },
    'POST /service/players': { ids: [player] },
    'DELETE /service/players/:playerId': { reason: 'not to be done' },
    'POST /ops/api/players/:playerId/freeze': { commandId, frozen: true, reason: 'not to be done' },
    'POST /ops/api/trades/:transactionId/reverse': { reason: 'not to be done' },
    'POST /ops/api/pauses': { commandId, asset: '*', paused: true, reason: 'not to be done' },
  };
  const query = route.endsWith('/room/call') ? '?roomId=x&method=disconnect&args=[]' : route.endsWith('/room') ? '?roomId=x' : route.endsWith('/api/players') ? '?q=a' : '';
  return { method, target: target + query, ...(method === 'GET' ? {} : { body: bodies[route] ?? {} }) };
}
