import { Protocol, type Room } from '@colyseus/core';

/** What the framework keeps to itself: how a room puts its state on the wire. */
interface Inner {
  _serializer: { fullEncodeBuffer: Uint8Array; encoder: RoomEncoder };
}

export interface RoomEncoder {
  sharedBuffer: Uint8Array;
  readonly hasChanges: boolean;
}

/** For states that may be large, in rooms of which there are few. */
export const LARGE_STATE_BYTES = 128 * 1024;

export const encoderOf = (room: Room): RoomEncoder => (room as unknown as Inner)._serializer.encoder;

/**
 * Makes room for a state, or a patch, of so many bytes. A room begins with the framework's 16 KB, twice, because there is one
 * room for each player, and most of them own little. What does not fit is encoded again at every join, with a warning.
 */
export function makeSpace(room: Room, bytes: number): void {
  const serializer = (room as unknown as Inner)._serializer;
  if (bytes <= serializer.fullEncodeBuffer.byteLength) return;
  // More will come to what is large already.
  const size = 2 ** Math.ceil(Math.log2(bytes));
  serializer.fullEncodeBuffer = new Uint8Array(size);
  serializer.fullEncodeBuffer[0] = Protocol.ROOM_STATE;
  serializer.encoder.sharedBuffer = new Uint8Array(size);
}
