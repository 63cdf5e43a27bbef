import { CloseCode, ErrorCode, Room, ServerError, type AuthContext, type Client, type MessageContext, type RoomException } from '@colyseus/core';
import type { z } from 'zod';
import type { PlayerId } from '../../schema/ids.ts';
import type { RefusalCode } from '../../schema/refusals.ts';
import { answer, type Report } from './answer.ts';

/** Closed because the same player signed in somewhere else. */
export const SESSION_REPLACED_CLOSE_CODE = 4100;

/** How a connection ended that may come back: the network failed, nobody decided anything. */
const DROPS: ReadonlySet<number> = new Set([CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RECEIVED, CloseCode.ABNORMAL_CLOSURE, CloseCode.MAY_TRY_RECONNECT]);

export interface Seat {
  playerId: PlayerId;
}

/** Who the bearer of a token is. @throws when the token is not ours or no longer good */
export type Authenticate = (token: string | undefined) => Promise<Seat>;

export interface RoomKit {
  authenticate: Authenticate;
  report: Report;
  onRefusal: (code: RefusalCode) => void;
  messagesPerSecondMax: number;
  reconnectionWindowS: number;
}

export type RoomOptions = Record<string, unknown>;

/** A join that is refused before a seat is reserved; the client reads the code in the error's message. */
export function refuseJoin(code: RefusalCode): never {
  throw new ServerError(ErrorCode.AUTH_FAILED, code);
}

/**
 * What all rooms share: nobody without a token, every handler wrapped, bounded message rates, drops that may return.
 * Room classes are made by functions that hand this their services; there are no globals. [RM1] [RM2] [RM3]
 */
export abstract class AuthenticatedRoom<State extends object> extends Room<{ state: State }> {
  protected abstract readonly kit: RoomKit;

  /** Binds the message limits and the nets; every subclass calls it first in `onCreate`. */
  protected openFor(): void {
    this.maxMessagesPerSecond = this.kit.messagesPerSecondMax;
    this.#guardFrames();
  }

  /** Answers a request, or takes a message, of a client that is known and a body that was checked. */
  protected command<Shape extends z.ZodType, Answer>(type: string, shape: Shape, run: (actor: PlayerId, body: z.output<Shape>, client: Client) => Promise<Answer> | Answer): void {
    this.onMessage(type, async (client: Client, body: unknown, context: MessageContext) => {
      const reply = await answer(type, shape, body, this.kit, (checked) => run((client.auth as Seat).playerId, checked, client));
      if ('answer' in reply) return reply.answer;
      // A message without a reply channel cannot be refused; a malformed one ends the connection instead.
      if (context.id === undefined && reply.refusal.code === 'BAD_REQUEST') client.leave(CloseCode.WITH_ERROR, 'BAD_REQUEST');
      return context.reject(reply.refusal);
    });
  }

  /** Keeps the seat of a client whose network failed. Kicked and leaving clients do not come back. */
  override onDrop(client: Client, code?: number): void {
    if (code === undefined || !DROPS.has(code) || this.kit.reconnectionWindowS === 0) return;
    // Rejects when the window passes, when the client never joined, and at shutdown: all of them are the end of a seat.
    this.allowReconnection(client, this.kit.reconnectionWindowS).catch(() => undefined);
  }

  /** A net below the wrapped handlers: without it a throw in a timer or a hook ends the process. */
  override onUncaughtException(error: RoomException, method: string): void {
    this.kit.report({ ref: this.roomId, type: `${this.roomName}.${method}`, error });
  }

  protected closeReplaced(client: Client): void {
    client.leave(SESSION_REPLACED_CLOSE_CODE, 'SESSION_REPLACED');
  }

  /** A frame that the framework cannot decode must end that client, not the process: it throws in a socket's listener. */
  #guardFrames(): void {
    const inner = this as unknown as { _onMessage(client: Client, frame: Buffer): void };
    const decode = inner._onMessage.bind(this);
    inner._onMessage = (client, frame) => {
      try {
        decode(client, frame);
      } catch {
        client.leave(CloseCode.WITH_ERROR, 'BAD_REQUEST');
      }
    };
  }
}

/**
 * The static `onAuth` of a room: replaces what @colyseus/auth installs, which lets a missing token in. It also strikes
 * out what a client could forge: of its options only those that `pick` names reach the room, with the actor's id.
 */
export function authenticator(authenticate: Authenticate, pick: (options: RoomOptions, actor: PlayerId) => RoomOptions) {
  return async function onAuth(token: string, options: unknown, _context?: AuthContext): Promise<Seat> {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) refuseJoin('BAD_REQUEST');
    const seat = await authenticate(token).catch(() => refuseJoin('UNAUTHENTICATED'));
    const given = { ...(options as RoomOptions) };
    for (const key of Object.keys(options)) delete (options as RoomOptions)[key];
    Object.assign(options, pick(given, seat.playerId));
    return seat;
  };
}
