import { randomUUID } from 'node:crypto';
import { CloseCode, getMessageBytes, Protocol, ResponseStatus, type Client } from '@colyseus/core';
import { decode } from '@colyseus/schema';
import type { RefusalReply } from '../../schema/refusals.ts';

/**
 * Stands between the framework and one client, so that only our words leave. [RM3] [RM4]
 *
 * The framework answers a request of an unknown type or with an undecodable body with its own error, and closes with
 * its own reason; both are BAD_REQUEST here. Whoever was closed by us, or broke the protocol, has been kicked.
 */
export function guardClient(client: Client, onKicked: () => void): void {
  const send = client.enqueueRaw.bind(client);
  const leave = client.leave.bind(client);
  client.enqueueRaw = (frame, options) => send(inOurWords(frame), options);
  client.leave = (code, reason) => {
    onKicked();
    leave(code, code === CloseCode.WITH_ERROR ? 'BAD_REQUEST' : reason);
  };
  // The only errors of an open socket are frames against the protocol or beyond the limit; its close code hides them.
  client.ref.once('error', onKicked);
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
