import { defineRoom, defineServer, matchMaker, Room, type Client } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { setTimeout as delay } from 'node:timers/promises';
import { AuthenticatedRoom, type RoomKit } from '../../rooms/kit/authenticated-room.ts';
import { openRedis, RoomDriver, RoomPresence, watchGeneration } from '../../persistence/index.ts';

/** A process of its own: Colyseus over a Redis, as our server has it, with rooms that do nothing. A rejection that nobody handles ends it. */
const [port, redisUrl] = process.argv.slice(2) as [string, string];
const GENERATION_LOOK_MS = 100;
const SEAT_S = 1;
const onFault = () => undefined;

const link = await openRedis(redisUrl, { onFault });
const presence = await RoomPresence.open(link.commands, { onFault });
const driver = new RoomDriver(link.commands, { indexedBy: { zone: 'zone' }, onFault });

class Zone extends Room {
  override seatReservationTimeout = SEAT_S;

  override onCreate(): void {
    this.onMessage('where', () => process.pid);
    this.onMessage('change', () => {
      void this.setMetadata({ zone: 'elsewhere' });
      void this.setPrivate();
      void this.lock();
      void this.unlock();
    });
    this.onMessage('end', () => void this.disconnect());
  }
}

/** Two seats; whoever left says so itself how long that takes. */
const leaving = async (client: Client) => await delay((client.userData as { leaveMs?: number } | undefined)?.leaveMs ?? 0);
const slow = (client: Client, leaveMs: number) => void (client.userData = { leaveMs });

class Small extends AuthenticatedRoom<object> {
  override maxClients = 2;
  protected override readonly kit: RoomKit = { authenticate: () => Promise.reject(new Error('nobody')), report: onFault, onRefusal: onFault, messagesPerSecondMax: 100, reconnectionWindowS: 0 };

  override onCreate(): void {
    this.openFor();
    this.onMessage('slow', slow);
  }

  override onLeave = leaving;
}

/** The framework's own. */
class Bare extends Room {
  override maxClients = 2;

  override onCreate(): void {
    this.onMessage('slow', slow);
  }

  override onLeave = leaving;
}

const server = defineServer({
  transport: new WebSocketTransport(), presence, driver, greet: false, gracefullyShutdown: false,
  publicAddress: `127.0.0.1:${port}`,
  rooms: { zone: defineRoom(Zone).filterBy(['zone' as never]), small: defineRoom(Small), bare: defineRoom(Bare) },
});
await server.listen(Number(port), '127.0.0.1');
const generation = await watchGeneration(link.commands, { intervalMs: GENERATION_LOOK_MS, onLost: () => matchMaker.restoreMissingRoomCaches(), onFault });
process.once('SIGTERM', () => {
  void (async () => {
    generation.stop();
    await server.gracefullyShutdown(false);
    await link.close();
    process.exit(0);
  })();
});
process.once('disconnect', () => process.exit(1));
process.send?.('ready');
