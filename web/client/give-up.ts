import type { Client, Room } from '@colyseus/sdk';
import { leaveQuietly } from './leave-quietly.ts';

/** What the SDK does of a join once its seat is answered; the second is protected. */
interface Joining {
  consumeSeatReservation(...args: Parameters<Client['consumeSeatReservation']>): Promise<Room>;
  createRoom(...args: unknown[]): Room;
}

/**
 * A join that takes longer counts as failed, and is given up: a seat that is answered later is not taken, and a connection that is
 * being made is closed. A server that is behind would else go on with joins that nobody waits for any more, and each of them would
 * displace the session that its own client has by then. [CL1]
 * @throws what the SDK throws, which `readJoinFailure` reads
 */
export async function joinWithin<State>(client: Client, withinMs: number, join: (client: Client) => Promise<Room<unknown, State>>): Promise<Room<unknown, State>> {
  const givenUp = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      givenUp.abort();
      reject(new Error('joining took too long'));
    }, withinMs);
  });
  const joining = join(givenUpBy(givenUp.signal, client));
  // When it ends otherwise later: a seat is given back, and an error is of nobody's concern.
  joining.then((room) => givenUp.signal.aborted && leaveQuietly(room), () => undefined);
  try {
    return await Promise.race([joining, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function givenUpBy(signal: AbortSignal, client: Client): Client {
  const sdk = client as unknown as Joining;
  const own: Joining = {
    async consumeSeatReservation(...args) {
      signal.throwIfAborted();
      return await sdk.consumeSeatReservation.apply(this, args);
    },
    createRoom(...args) {
      const room = sdk.createRoom.apply(this, args);
      signal.addEventListener('abort', () => {
        room.reconnection.enabled = false;
        room.connection?.close();
      });
      return room;
    },
  };
  return Object.assign(Object.create(client) as Client, own);
}
