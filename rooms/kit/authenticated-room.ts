import { ClientState, CloseCode, ErrorCode, Protocol, Room, ServerError, type AuthContext, type Client, type MessageContext, type RoomException } from '@colyseus/core';
import type { z } from 'zod';
import { ClientId, type PlayerId } from '../../schema/ids.ts';
import { Refusal, type RefusalCode } from '../../schema/refusals.ts';
import { answer, type Report } from './answer.ts';
import { guardClient } from './client-guard.ts';

/** Closed because the same player signed in somewhere else. */
export const SESSION_REPLACED_CLOSE_CODE = 4100;

const WEB_SOCKET_OPEN = 1;

/** What a client may say. Before it acknowledged its join, answers would pile up unsent; whatever else is no frame of ours. */
const FRAMES: Partial<Record<ClientState, ReadonlySet<number | undefined>>> = {
  [ClientState.JOINING]: new Set([Protocol.JOIN_ROOM, Protocol.LEAVE_ROOM, Protocol.PING]),
  [ClientState.JOINED]: new Set([Protocol.ROOM_DATA, Protocol.ROOM_REQUEST, Protocol.LEAVE_ROOM, Protocol.PING]),
};

/** How a connection ended that may come back: the network failed, nobody decided anything. */
const DROPS: ReadonlySet<number> = new Set([CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RECEIVED, CloseCode.ABNORMAL_CLOSURE, CloseCode.MAY_TRY_RECONNECT]);

export interface Seat {
  playerId: PlayerId;
  /** Seats of one running client belong to whichever session of the player that client took last. */
  clientId?: ClientId;
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

/** For a look-up of the player itself: one who does not exist may not join, and whatever else failed is not the client's fault. */
export function refuseStranger(error: unknown): never {
  if (error instanceof Refusal) refuseJoin(error.code === 'UNKNOWN_PLAYER' ? 'UNAUTHENTICATED' : error.code);
  throw error;
}

/** What the framework calls on a room from a socket's events, where a throw would end the process. */
interface Inner {
  _onMessage(client: Client, frame: Buffer): void;
  _onLeave(client: Client, code?: number): Promise<void>;
  /** By session id: the join's options, whose it is, whether it was taken, and whether it is kept for who dropped. */
  _reservedSeats: Record<string, [options: unknown, auth: unknown, isTaken: boolean, isKept?: boolean]>;
  _reservedSeatTimeouts: Record<string, NodeJS.Timeout>;
  /** Begins with each seat that is given, and ends with one that is taken. */
  _autoDisposeTimeout: NodeJS.Timeout | undefined;
}

/**
 * What all rooms share: nobody without a token, every handler wrapped, bounded message rates, drops that may return.
 * Room classes are made by functions that hand this their services; there are no globals. [RM1] [RM2] [RM3]
 */
export abstract class AuthenticatedRoom<State extends object> extends Room<{ state: State }> {
  protected abstract readonly kit: RoomKit;
  readonly #known = new WeakSet<Client>();
  readonly #kicked = new WeakSet<Client>();
  readonly #returning = new WeakSet<Client>();
  /** Seats of clients who dropped, by session id. */
  readonly #kept = new Map<string, ReturnType<Room['allowReconnection']>>();

  /** Binds the message limits and the nets; every subclass calls it first in `onCreate`. */
  protected openFor(): void {
    this.maxMessagesPerSecond = this.kit.messagesPerSecondMax;
    this.#guardFrames();
    this.#guardHooks();
  }

  /** Answers a request, or takes a message, of a client that is known and a body that was checked. */
  protected command<Shape extends z.ZodType, Answer>(type: string, shape: Shape, run: (actor: PlayerId, body: z.output<Shape>, client: Client) => Promise<Answer> | Answer): void {
    this.onMessage(type, async (client: Client, body: unknown, context: MessageContext) => {
      const actor = (client.auth as Seat).playerId;
      const reply = await answer(type, shape, body, this.kit, (checked) => run(actor, checked, client), actor);
      if ('answer' in reply) return reply.answer;
      // A message without a reply channel cannot be refused; a malformed one ends the connection instead.
      if (context.id === undefined && reply.refusal.code === 'BAD_REQUEST') client.leave(CloseCode.WITH_ERROR, 'BAD_REQUEST');
      return context.reject(reply.refusal);
    });
  }

  /**
   * Also asked by a client that is back before its old connection is known to have failed. The framework then closes
   * the old one with the code of a kick; a kicked one does not come back.
   */
  override checkReconnectionToken(token: string): string {
    const stale = this.clients.find((client) => client.reconnectionToken === token);
    if (stale !== undefined && this.#kicked.has(stale)) return '';
    if (stale !== undefined) this.#returning.add(stale);
    return super.checkReconnectionToken(token);
  }

  /** Keeps the seat of a client whose network failed. Kicked and leaving clients do not come back. */
  override onDrop(client: Client, code?: number): void {
    const dropped = this.#returning.has(client) || (code !== undefined && DROPS.has(code) && !this.#kicked.has(client));
    if (!dropped || this.kit.reconnectionWindowS === 0) return;
    const { sessionId } = client;
    const seat = this.allowReconnection(client, this.kit.reconnectionWindowS);
    this.#kept.set(sessionId, seat);
    // Rejects when the window passes, when the client never joined, and at shutdown: all of them are the end of a seat.
    seat.catch(() => undefined).finally(() => this.#kept.get(sessionId) === seat && this.#kept.delete(sessionId));
  }

  /** A net below the wrapped handlers: without it a throw in a timer or a hook ends the process. */
  override onUncaughtException(error: RoomException, method: string): void {
    if (error.cause instanceof ServerError) return; // a join that was refused: the client is told, and nothing is wrong
    this.kit.report({ ref: this.roomId, type: `${this.roomName}.${method}`, error });
  }

  /** Seats that nobody has taken yet go with it: it would wait for them for 15 s, as long as all of a shutdown may take. [SD1] */
  override disconnect(closeCode?: number): Promise<unknown> {
    const inner = this as unknown as Inner;
    const { _reservedSeats: seats, _reservedSeatTimeouts: timeouts } = inner;
    clearTimeout(inner._autoDisposeTimeout);
    inner._autoDisposeTimeout = undefined;
    for (const [sessionId, [, , isTaken, isKept]] of Object.entries(seats)) {
      if (isTaken || isKept) continue;
      clearTimeout(timeouts[sessionId]);
      delete timeouts[sessionId];
      delete seats[sessionId];
    }
    return super.disconnect(closeCode);
  }

  /**
   * The framework opens a room when a client has left, though its place may have been taken while it left: everybody would find the
   * full room then, and nobody could join it. [RM7]
   */
  override async unlock(...automatically: []): Promise<void> {
    if (automatically.length > 0 && this.hasReachedMaxClients()) return await this.setMatchmaking({ maxClients: this.maxClients });
    await super.unlock(...automatically);
  }

  /** Its connection is closed already, whatever the framework knows of it. */
  protected hasLeft(client: Client): boolean {
    return (client as Client & { readyState: number }).readyState !== WEB_SOCKET_OPEN;
  }

  /** Also takes the seat that is kept for a client who dropped: it was the displaced session's. */
  protected closeReplaced(client: Client): void {
    this.closeSeat(client, SESSION_REPLACED_CLOSE_CODE, 'SESSION_REPLACED');
  }

  protected closeSeat(client: Client, code: number, reason: RefusalCode): void {
    this.#kept.get(client.sessionId)?.reject(new ServerError(code, reason));
    client.leave(code, reason);
  }

  /** A frame that the framework cannot decode must end that client, not the process: it throws in a socket's listener. */
  #guardFrames(): void {
    const inner = this as unknown as Inner;
    const decode = inner._onMessage.bind(this);
    inner._onMessage = (client, frame) => {
      if (!this.#known.has(client)) {
        this.#known.add(client);
        guardClient(client, () => this.#kicked.add(client));
      }
      // Until the socket has closed it goes on delivering.
      if (this.#kicked.has(client)) return;
      try {
        if (FRAMES[client.state]?.has(frame[0])) decode(client, frame);
        else client.leave(CloseCode.WITH_ERROR);
      } catch {
        client.leave(CloseCode.WITH_ERROR);
      }
    };
  }

  /** What a hook throws was reported. It reaches a client only as a code, and the promises that nobody awaits never reject. */
  #guardHooks(): void {
    const { onJoin, onLeave } = this;
    this.onJoin = async (...joining) => {
      try {
        return (await onJoin?.apply(this, joining)) as unknown;
      } catch (error) {
        throw error instanceof ServerError ? error : new ServerError(ErrorCode.APPLICATION_ERROR, 'INTERNAL', { cause: error });
      }
    };
    this.onLeave = async (...leaving) => {
      try {
        await onLeave?.apply(this, leaving);
      } catch {
        // Reported by `onUncaughtException`.
      }
    };
    const inner = this as unknown as Inner;
    const leave = inner._onLeave.bind(this);
    inner._onLeave = (client, code) => leave(client, code).catch((error: unknown) => this.kit.report({ ref: this.roomId, type: `${this.roomName}.leave`, error }));
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
    const clientId = ClientId.optional().safeParse(given['clientId']);
    if (!clientId.success) refuseJoin('BAD_REQUEST');
    for (const key of Object.keys(options)) delete (options as RoomOptions)[key];
    const client = clientId.data === undefined ? {} : { clientId: clientId.data };
    // With whose client it is: a matchmaker that tries again, when a room's process was killed, authenticates these same options again.
    Object.assign(options, pick(given, seat.playerId), client);
    return { ...seat, ...client };
  };
}
