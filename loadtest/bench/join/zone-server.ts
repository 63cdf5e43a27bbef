import { defineRoom, defineServer, initializeRoomCache, matchMaker, Room, type MatchMakerDriver } from '@colyseus/core';
import { RedisDriver } from '@colyseus/redis-driver';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { openRedis, RoomDriver, RoomPresence } from '../../../persistence/index.ts';

export type DriverKind = 'ours' | 'stock';

/** A process of its own: Colyseus with one kind of room over a Redis of its own. Asked for it, it lists players' rooms that nobody is in. */
const [port, redisUrl, kind] = process.argv.slice(2) as [string, string, DriverKind];
const LISTED_AT_ONCE = 500;
const SEAT_S = 1;
const onFault = (error: Error) => {
  throw error;
};

const link = await openRedis(redisUrl, { onFault });
// Of the two the driver alone differs.
const presence = await RoomPresence.open(link.commands, { onFault });
const driver: MatchMakerDriver = kind === 'ours' ? new RoomDriver(link.commands, { indexedBy: { player: 'playerId', zone: 'zone' }, onFault }) : new RedisDriver(link.commands);

class Zone extends Room {
  override autoDispose = false;
  override seatReservationTimeout = SEAT_S;
}

const server = defineServer({
  transport: new WebSocketTransport(), presence, driver, greet: false, gracefullyShutdown: false,
  rooms: { zone: defineRoom(Zone).filterBy(['zone' as never]) },
});
let listed = 0;
process.on('message', (count: number) => {
  void listPlayers(count).then(() => process.send?.(listed));
});
// It ends with who started it.
process.once('disconnect', () => process.exit(0));
await server.listen(Number(port), '127.0.0.1');
process.send?.('ready');

/** As a private room for each player would be listed; there are `count` of them then. */
async function listPlayers(count: number): Promise<void> {
  while (listed < count) {
    const rooms = Array.from({ length: Math.min(LISTED_AT_ONCE, count - listed) }, () => {
      const playerId = `player-${listed++}`;
      return initializeRoomCache({ name: 'player', roomId: playerId, processId: matchMaker.processId, maxClients: 1, clients: 1, metadata: { playerId } });
    });
    await Promise.all(rooms.map((room) => driver.persist(room, true)));
  }
}
