import type { Room } from '@colyseus/sdk';
import { client, storageKey } from './account.ts';

interface KeptSeat {
  reconnectionToken: string;
  /** The end of the sign-in token: a seat is not for whoever signed in meanwhile. */
  owner: string;
}

const OWNER_LENGTH = 24;
const present = new Map<string, () => Room | null>();

// A reload leaves the seats as a dropped connection does: the server keeps them for its reconnection window.
addEventListener('pagehide', () => {
  for (const [name, roomOf] of present) {
    const reconnectionToken = roomOf()?.reconnectionToken;
    if (reconnectionToken) sessionStorage.setItem(keyOf(name), JSON.stringify({ reconnectionToken, owner: ownerNow() } satisfies KeptSeat));
  }
});

/** Remembers the room's seat over a reload of this tab; `undefined` forgets it. */
export function keepSeat(name: string, roomOf: (() => Room | null) | undefined): void {
  if (roomOf) present.set(name, roomOf);
  else present.delete(name);
}

/**
 * Takes the seat again that this tab had before it was reloaded, so that a reload is not a new session, which would
 * close a trade; or joins anew. A seat is tried once.
 */
export async function joinFromSeat<State>(name: string, join: () => Promise<Room<unknown, State>>): Promise<Room<unknown, State>> {
  const kept = sessionStorage.getItem(keyOf(name));
  sessionStorage.removeItem(keyOf(name));
  const seat = kept === null ? undefined : (JSON.parse(kept) as KeptSeat);
  if (seat?.owner === ownerNow()) {
    try {
      return (await client.reconnect<State>(seat.reconnectionToken)) as Room<unknown, State>;
    } catch {
      // The window has passed, or the server is another one.
    }
  }
  return await join();
}

function keyOf(name: string): string {
  return storageKey(`seat:${name}`);
}

function ownerNow(): string {
  return client.auth.token?.slice(-OWNER_LENGTH) ?? '';
}
