import type { Room } from '@colyseus/sdk';

/** Gives a seat back and does not come back to it, in whatever state the connection is. */
export function leaveQuietly(room: Room): void {
  room.reconnection.enabled = false;
  // An attempt that is under way is the last one, and gives the seat back if it succeeds.
  room.reconnection.maxRetries = 0;
  try {
    room.leave().catch(() => {});
  } catch {
    // The socket was closed already: there is no seat to give back.
  }
}
