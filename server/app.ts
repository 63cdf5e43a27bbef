import { defineRoom, defineServer, matchMaker, type RegisteredHandler } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { newId, type Storage } from '../persistence/index.ts';
import type { Backplane } from './backplane.ts';
import { bindPlayerRoom } from '../rooms/player-room.ts';
import type { RoomKit } from '../rooms/kit/authenticated-room.ts';
import { bindGuildRoom } from '../rooms/guild-room.ts';
import { bindLeaderboardRoom } from '../rooms/leaderboard-room.ts';
import { bindTradeRoom, type TradeRoomOptions } from '../rooms/trade-room.ts';
import { bindZoneRoom } from '../rooms/zone-room.ts';
import type { PlayerRecord } from '../schema/holdings.ts';
import type { PlayerId, TradeId } from '../schema/ids.ts';
import type { Catalog } from './catalog/index.ts';
import type { Config } from './config/index.ts';
import type { Features } from './features.ts';
import { guardAdmin } from './http/admin-guard.ts';
import { authRoutes, identify } from './http/auth-routes.ts';
import { keepFromOtherPages } from './http/cross-origin.ts';
import { FrontDoor } from './http/front-door.ts';
import { guildRoutes } from './http/guild-routes.ts';
import { LeaderboardPages } from './http/leaderboard-pages.ts';
import { leaderboardRoutes } from './http/leaderboard-routes.ts';
import { guardMatchmaking, refuseIfDraining } from './http/matchmaking.ts';
import { operatorRoutes } from './http/operator-routes.ts';
import { opsRoutes } from './http/ops-routes.ts';
import { publicRoutes } from './http/public-routes.ts';
import { refusals } from './http/refusal-reply.ts';
import { serviceRoutes } from './http/service-routes.ts';
import { ProcessWatch } from './ops/index.ts';
import type { FaultListener, Logger, Metrics } from './telemetry/index.ts';

/** Several people may sign in as admin from one address, each with a password that was not right at first. */
const ADMIN_GUESSES = 3;
/** The largest frame that a client may send. */
const FRAME_BYTES_MAX = 16 * 1024;

export interface AppOptions {
  config: Config;
  storage: Storage;
  catalog: Catalog;
  features: Features;
  backplane: Backplane;
  metrics: Metrics;
  log: Logger;
  /** Calls back with each line of the log at level error or above. */
  onFault: (listener: FaultListener) => void;
}

/** The rooms and routes of one process, on one port. */
export function createApp({ config, storage, catalog, features, backplane, metrics, log, onFault }: AppOptions) {
  const { limits, secrets } = config;
  const production = config.env === 'production';
  const kit: RoomKit = {
    authenticate: identify,
    report: ({ error, ...where }) => log.error({ ...where, err: error }, 'room failed'),
    onRefusal: (code) => metrics.refusals.inc({ code }),
    messagesPerSecondMax: limits.messagesPerSecondMax,
    reconnectionWindowS: limits.reconnectionWindowS,
  };
  const { players, sessions, guilds, guildVersions, leaderboards, inventory, versions, idempotency, gathering, invitations, trading } = features;

  async function inviteToTrade(from: PlayerRecord, to: PlayerId): Promise<TradeId> {
    const tradeId = newId<TradeId>();
    const options: TradeRoomOptions = { tradeId, players: [from.id, to] };
    // Here, where the inviter is: a room that another process is asked for might be made twice, or too late.
    await invitations.open(from.id, tradeId, () => matchMaker.handleCreateRoom('trade', options).catch(refuseIfDraining));
    players.tell(to, { type: 'trade:invited', tradeId, from: from.id, fromName: from.name });
    return tradeId;
  }

  guardMatchmaking(log);
  const rooms = {
    player: defineRoom(bindPlayerRoom({ kit, players, inventory, versions, idempotency, sessions, guilds, inviteToTrade, onResync: (cause) => metrics.resyncs.inc({ cause }) })).filterBy(['playerId' as never]),
    zone: defineRoom(bindZoneRoom({ kit, catalog, players, sessions, guilds, gathering, patchIntervalMs: config.patchIntervalMs })).filterBy(['zone' as never]),
    guild: defineRoom(bindGuildRoom({ kit, guilds, guildVersions, sessions })).filterBy(['guildId' as never]),
    leaderboard: defineRoom(bindLeaderboardRoom({ kit, leaderboards, guilds, players })).filterBy(['board' as never, 'region' as never]),
    trade: defineRoom(bindTradeRoom({ kit, players, sessions, trading, tradeTtlMs: limits.tradeTtlMs })),
  };
  const roomCounts = countRooms(rooms);
  metrics.watch({ sessions: () => sessions.heldCount, rooms: roomCounts, queue: () => features.ledger.waiting, boardLagMs: () => leaderboards.lagMs });
  const watch = new ProcessWatch({
    samples: backplane.opsSamples, metrics, instance: config.instance, processId: () => matchMaker.processId,
    sessions: () => sessions.heldCount, clients: () => matchMaker.stats.local.ccu, rooms: roomCounts, queue: () => features.ledger.waiting,
    boardLagMs: () => leaderboards.lagMs, cachedInventories: () => inventory.size, isRedisUp: backplane.isUp,
    onFault: (error) => log.debug({ err: error }, 'nobody was told how this process is'),
  });
  onFault((fault) => watch.note(fault));
  const pages = new LeaderboardPages(leaderboards);
  return defineServer({
    transport: new WebSocketTransport({ server: new FrontDoor((request, response, pass) => pages.answerAgain(request, response, pass)), maxPayload: FRAME_BYTES_MAX }),
    greet: false,
    gracefullyShutdown: false,
    logger: log,
    ...(backplane.presence && { presence: backplane.presence }),
    ...(backplane.driver && { driver: backplane.driver }),
    ...(backplane.selectProcess && { selectProcessIdToCreateRoom: backplane.selectProcess }),
    ...(config.publicAddress !== undefined && { publicAddress: config.publicAddress }),
    rooms,
    express: (app) => {
      app.disable('x-powered-by');
      app.use((request, response, next) => (keepFromOtherPages(request, response), next()));
      app.use('/auth', authRoutes({ accounts: features.accounts, players, jwtSecret: secrets.jwtSecret, authRateMax: limits.authRateMax, loginFailuresMax: limits.loginFailuresMax }));
      app.use('/service', serviceRoutes({ serviceKey: secrets.serviceKey, commands: features.serviceCommands, players, sessions, guilds, leaderboards, erasure: features.erasure, storage }));
      app.use('/leaderboards', leaderboardRoutes({ leaderboards, pages, players }));
      app.use('/guilds', guildRoutes({ guilds, sessions, players, identify }));
      app.use(['/ops', '/monitor', ...(production ? [] : ['/playground'])], guardAdmin({ adminPassword: secrets.adminPassword, failuresMax: ADMIN_GUESSES * limits.loginFailuresMax }));
      app.use('/ops', opsRoutes({ support: features.support, samples: backplane.opsSamples, watch, storage, catalog, redis: () => (config.redisUrl === undefined ? 'none' : backplane.isUp() ? 'up' : 'away') }));
      app.use(operatorRoutes({ production }));
      app.use(publicRoutes({ storage, backplane, catalog, metrics, serviceKey: secrets.serviceKey, log }));
      app.use(refusals(log));
    },
  });
}

/** How many rooms of each name live here, by what the matchmaker tells of them. */
function countRooms(rooms: Record<string, RegisteredHandler>): () => ReadonlyMap<string, number> {
  const counts = new Map(Object.keys(rooms).map((name) => [name, 0]));
  const change = (name: string, by: number) => counts.set(name, (counts.get(name) ?? 0) + by);
  for (const [name, handler] of Object.entries(rooms)) handler.on('create', () => change(name, 1)).on('dispose', () => change(name, -1));
  return () => counts;
}
