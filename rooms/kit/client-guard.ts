import { randomUUID } from 'node:crypto';
import { CloseCode, getMessageBytes, Protocol, ResponseStatus, type Client } from '@colyseus/core';
import { decode } from '@colyseus/schema';
import type { RefusalReply } from '../../schema/refusals.ts';

/** Frames that the framework encodes into a buffer which it uses again for the next one. */
const IN_SHARED_BUFFER: ReadonlySet<number | undefined> = new Set([Protocol.ROOM_STATE, Protocol.ROOM_STATE_PATCH]);

/**
 * Stands between the framework and one client, so that only our words leave, and as they were written. [RM3] [RM4] [RM5]
 *
 * The framework answers a request of an unknown type or with an undecodable body with its own error, and closes with
 * its own reason; both are BAD_REQUEST here. Whoever was closed by us, or broke the protocol, has been kicked.
 */
export function guardClient(client: Client, onKicked: () => void): void {
  const send = client.enqueueRaw.bind(client);
  const raw = client.raw.bind(client);
  const leave = client.leave.bind(client);
  client.enqueueRaw = (frame, options) => send(inOurWords(frame), options);
  client.raw = (frame, options, sent) => raw(IN_SHARED_BUFFER.has(frame[0]) ? keptFrame(frame) : frame, options, sent);
  client.leave = (code, reason) => {
    onKicked();
    leave(code, code === CloseCode.WITH_ERROR ? 'BAD_REQUEST' : reason);
  };
  // The only errors of an open socket are frames against the protocol or beyond the limit; its close code hides them.
  client.ref.once('error', onKicked);
}

let latest: { frame: Uint8Array; kept: Uint8Array } | undefined;

/** What a slow reader's socket may hold on to while the next frame is encoded; one copy for all who are sent the same frame. */
function keptFrame(frame: Uint8Array): Uint8Array {
  if (latest?.frame !== frame) latest = { frame, kept: new Uint8Array(frame) };
  return latest.kept;
}

function inOurWords(frame: Uint8Array): Uint8Array {
  if (frame[0] !== Protocol.ROOM_RESPONSE) return frame;
  const at = { offset: 1 };
  const id = decode.number(frame, at) as number;
  // Our handlers answer or reject; an error is always the framework's own text.
  if (frame[at.offset] !== ResponseStatus.ERROR) return frame;
  const refusal: RefusalReply = { code: 'BAD_REQUEST', details: { reason: 'no such request, or its body cannot be decoded' }, ref: randomUUID() };
  return getMessageBytes[Protocol.ROOM_RESPONSE](id, ResponseStatus.REJECTED, refusal);
}
