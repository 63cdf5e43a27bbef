import { randomUUID } from 'node:crypto';
import { ErrorCode, matchMaker, ServerError } from '@colyseus/core';
import { Refusal, REFUSALS } from '../../schema/refusals.ts';
import type { Logger } from '../telemetry/index.ts';

/** What the matchmaker says on purpose: no such room, none that fits, a seat that expired, or a refusal of ours. */
const MEANT: ReadonlySet<unknown> = new Set([
  ErrorCode.MATCHMAKE_NO_HANDLER, ErrorCode.MATCHMAKE_INVALID_CRITERIA, ErrorCode.MATCHMAKE_INVALID_ROOM_ID, ErrorCode.MATCHMAKE_EXPIRED, ErrorCode.AUTH_FAILED,
]);

/** What a client retries, on another process if there is one: nothing happened here. */
const BUSY = 'BUSY';

/** This process ends: its rooms close, and it makes no more. */
export function isDraining(): boolean {
  return matchMaker.state === matchMaker.MatchMakerState.SHUTTING_DOWN;
}

/** For a room that was refused because this process ends: nothing happened. */
export function refuseIfDraining(error: unknown): never {
  throw isDraining() ? new Refusal(BUSY, { reason: 'this process ends' }) : error;
}

/** Options are an object or absent, and an error that nobody meant reaches the client as INTERNAL. [RM2] [RM3] [SD2] */
export function guardMatchmaking(log: Logger): void {
  const { controller } = matchMaker;
  const invoke = controller.invokeMethod;
  controller.invokeMethod = async (method, roomName, options, context) => {
    if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) throw new ServerError(ErrorCode.AUTH_FAILED, 'BAD_REQUEST');
    try {
      return (await invoke.call(controller, method, roomName, options, context)) as unknown;
    } catch (error) {
      if (MEANT.has((error as ServerError).code)) throw error;
      if (isDraining() || hasNoSeat(error)) throw new ServerError(REFUSALS[BUSY].status, BUSY);
      log.error({ ref: randomUUID(), err: error, room: roomName }, 'matchmaking failed');
      throw new ServerError(ErrorCode.MATCHMAKE_UNHANDLED, 'INTERNAL', { cause: error });
    }
  };
}

/**
 * What the framework says, without a code of its own, when the room it chose gave no seat after all: its process began to end, or is
 * gone or stands still, or the last seat was just taken. Nothing happened; the next try finds another room or makes one.
 */
const NO_SEAT = /(?:not created: shutting down|^process \S+ is not available\.|^\S+ is already full\.|is no longer available\.)$/;

function hasNoSeat(error: unknown): boolean {
  return (error as ServerError).code === ErrorCode.MATCHMAKE_UNHANDLED && NO_SEAT.test((error as Error).message);
}
