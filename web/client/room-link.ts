import type { Room } from '@colyseus/sdk';
import type { CommandId } from '../../schema/ids.ts';
import type { RoomName, Rooms } from '../../schema/rooms.ts';
import { backOffMs, sleep } from './back-off.ts';
import { becomes, cell } from './cell.ts';
import { newCommandId } from './command-id.ts';
import { AnswerLost, readFailure, Refused, type LinkEnd } from './failures.ts';
import { readJoinFailure } from './join-failure.ts';
import { leaveQuietly } from './leave-quietly.ts';
import { ENDS, type Answer, type LinkStatus, type Payload, type RequestOptions, type Requests, type RoomLinkOptions, type State } from './link-types.ts';
import { runRequest } from './request-run.ts';
import { REQUEST_KINDS } from './retry.ts';

/** The server closes a displaced session with this. */
const SESSION_REPLACED = 4100;
/** Its reason when it was displaced by a join of our own that had seemed lost: nobody else has the session. */
const SAME_CLIENT = 'SAME_CLIENT';
/** The connection failed: the server may keep the seat. With every other code somebody decided that it ends. */
const FAILED: ReadonlySet<number> = new Set([1001, 1005, 1006, 4003, 4010]);
/** As long as a server keeps it unless told otherwise; asking later than that is harmless. */
const SEAT_KEPT_MS = 20_000;
/** A seat held this long counts as success. */
const LASTING_MS = 5000;
/** What a server loses at once does not come back at once. */
const REJOIN_SPREAD_MS = 300;
const JOINS_MAX = 12;
const ANSWER_MS = 10_000;
/** A server that is busy with its database still answers a ping. */
const PING_MS = 3000;
const MAY_TRY_RECONNECT = 4010;

/**
 * Keeps one seat in one room for as long as its owner wants it. A short drop is the SDK's to mend (same seat, same
 * process); for a longer one the seat is asked for by its token; one that is gone (the process died or shut down, the
 * window passed) is joined anew with back-off; a session that was taken over elsewhere is left alone until it is told to
 * come back. [CL2] [CL5] [CL6]
 */
export class RoomLink<Name extends RoomName = RoomName> {
  readonly status = cell<LinkStatus>({ kind: 'idle' });
  readonly #options: RoomLinkOptions<Name>;
  readonly #stateListeners = new Set<(state: State<Name>) => void>();
  readonly #eventListeners = new Map<string, Set<(payload: never) => void>>();
  #room: Room<unknown, State<Name>> | null = null;
  /** Ends with every start and close, so that a join that comes back late is not taken for the present one. */
  #present = new AbortController();
  #seat: { token: string; until: number } | undefined;
  /** Joins in a row that did not lead to a lasting seat: a room that closes us at once is backed off from, too. */
  #failures = 0;

  constructor(options: RoomLinkOptions<Name>) {
    this.#options = options;
    this.#keep(options.reconnectionToken);
  }

  /** The decoder's own object, which changes in place; `undefined` while there is no room. */
  get state(): State<Name> | undefined {
    return this.#room?.state;
  }

  /** Of the present seat. */
  get reconnectionToken(): string | undefined {
    return this.#room?.reconnectionToken;
  }

  /** Joins, or joins again from `replaced`, `gone`, `lost` or `closed`. */
  start(): void {
    if (['joining', 'live', 'dropped'].includes(this.status.get().kind)) return;
    this.#failures = 0;
    void this.#join(this.#renew());
  }

  /** Gives the seat back. */
  close(): void {
    this.#end({ kind: 'closed' });
  }

  /** Somebody else has the session: whatever seat is left of it is given up. */
  displace(): void {
    this.#end({ kind: 'replaced' });
  }

  /** Hears of each state, whichever room it comes from; the object is the decoder's own and changes in place. */
  onState(listener: (state: State<Name>) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  on<Type extends keyof Rooms[Name]['events'] & string>(type: Type, listener: (event: Rooms[Name]['events'][Type]) => void): () => void {
    const listeners = this.#eventListeners.get(type) ?? new Set();
    this.#eventListeners.set(type, listeners.add(listener as (payload: never) => void));
    return () => listeners.delete(listener as (payload: never) => void);
  }

  /** Fire and forget; dropped while there is no connection, because only the newest would matter. */
  send<Type extends keyof Rooms[Name]['sends'] & string>(type: Type, payload: Rooms[Name]['sends'][Type]): void {
    if (this.status.get().kind === 'live') this.#room?.send(type, payload);
  }

  /**
   * One request and its answer. One that carries a command id gets it here, and is carried through drops, deaths and BUSY
   * with that id, within the deadline; one that does not is sent once. [CL3] [CL4]
   * @throws {Refused | AnswerLost}
   */
  async request<Type extends keyof Requests<Name> & string>(type: Type, payload: Payload<Requests<Name>[Type]>, { deadlineMs, answerMs }: RequestOptions = {}): Promise<Answer<Requests<Name>[Type]>> {
    const kind = REQUEST_KINDS[type as keyof typeof REQUEST_KINDS];
    const commandId = (payload as { commandId?: CommandId }).commandId ?? newCommandId();
    return await runRequest<Answer<Requests<Name>[Type]>>({
      kind,
      deadlineMs,
      send: (withinMs) => this.#askAsOurs(type, kind === 'command' ? { ...(payload as object), commandId } : payload, withinMs, answerMs),
      outcome: (withinMs) => this.#options.outcome(commandId, withinMs),
    });
  }

  /** As `ask`. A seat may be refused because of our own newer session, in the moment before it has heard of it: then nothing happened, and it is asked once more. */
  async #askAsOurs<Reply>(type: string, body: unknown, withinMs: number, answerMs?: number): Promise<Reply> {
    const endsAt = Date.now() + withinMs;
    try {
      return await this.ask(type, body, withinMs, answerMs);
    } catch (error) {
      const isDisplaced = error instanceof Refused && error.code === 'SESSION_REPLACED';
      if (!isDisplaced || !(await this.#options.isOurs?.())) throw error;
      return await this.ask(type, body, Math.max(1, endsAt - Date.now()), answerMs);
    }
  }

  /** One sending, once the link is live. @throws {Refused | AnswerLost} */
  async ask<Reply>(type: string, body: unknown, withinMs: number, answerMs = ANSWER_MS): Promise<Reply> {
    const endsAt = Date.now() + withinMs;
    const settled = await becomes(this.status, ({ kind }) => kind === 'live' || ENDS.has(kind), withinMs);
    const { kind } = this.status.get();
    if (!settled || kind !== 'live') throw new AnswerLost({ sent: false, ended: ENDS.has(kind) ? (kind as LinkEnd) : undefined });
    const room = this.#room as Room;
    try {
      return await room.request(type, body, { timeout: Math.max(1, Math.min(answerMs, endsAt - Date.now())) });
    } catch (error) {
      const failure = readFailure(error);
      if (failure instanceof AnswerLost && failure.sent && room.connection.isOpen) this.#options.onSilence?.();
      throw failure;
    }
  }

  /** Looks whether the connection is still there: a network can go without a word, and nothing else would notice. [CL2] */
  probe(): void {
    const room = this.#room;
    if (!room?.connection.isOpen) return;
    let heard = false;
    room.ping(() => (heard = true));
    void sleep(PING_MS, this.#present.signal).then(() => {
      if (!heard && room === this.#room && room.connection.isOpen) room.connection.close(MAY_TRY_RECONNECT);
    });
  }

  async #join(present: AbortController, waitMs = 0): Promise<void> {
    const joinsMax = this.#options.joinsMax ?? JOINS_MAX;
    for (; this.#failures < joinsMax; this.#failures++) {
      this.status.set({ kind: 'joining', attempt: this.#failures });
      await sleep(this.#failures > 0 ? backOffMs(this.#failures - 1) : waitMs, present.signal);
      if (present.signal.aborted) return;
      try {
        const room = await this.#takeSeat();
        if (present.signal.aborted) return leaveQuietly(room);
        return this.#adopt(room, present);
      } catch (error) {
        if (present.signal.aborted) return;
        const failure = readJoinFailure(error);
        if (failure.kind === 'stranger') this.#options.unauthenticated?.();
        if (failure.kind === 'missing') return this.status.set({ kind: 'gone' });
        if (failure.kind === 'refused') return this.status.set({ kind: 'gone', code: failure.code });
      }
    }
    this.status.set({ kind: 'lost' });
  }

  /** The seat that is kept for us as long as it may be there, else a new one. */
  async #takeSeat(): Promise<Room<unknown, State<Name>>> {
    if (this.#seat !== undefined && Date.now() < this.#seat.until) {
      try {
        return await this.#options.reconnect(this.#seat.token);
      } catch (error) {
        if (readJoinFailure(error).kind === 'elsewhere') throw error;
        // The window has passed, or the process is another one.
      }
    }
    this.#seat = undefined;
    return await this.#options.join();
  }

  #adopt(room: Room<unknown, State<Name>>, present: AbortController): void {
    this.#room = room;
    this.#seat = undefined;
    Object.assign(room.reconnection, { minUptime: 1000, maxRetries: 1, backoff: (attempt: number) => backOffMs(attempt - 1, { firstMs: 200 }) });
    const joinedAt = Date.now();
    const current = () => !present.signal.aborted && room === this.#room;
    room.onDrop(() => {
      if (current()) this.status.set({ kind: 'dropped' });
    });
    room.onReconnect(() => {
      if (!current()) return leaveQuietly(room);
      // Not before the SDK has acknowledged the join: the server kicks whoever speaks earlier.
      queueMicrotask(() => current() && this.status.set({ kind: 'live' }));
    });
    room.onLeave((code, reason) => {
      if (current()) this.#left(code, reason, room.reconnectionToken, Date.now() - joinedAt);
    });
    room.onStateChange((state) => {
      if (current()) for (const listener of this.#stateListeners) listener(state);
    });
    room.onMessage('*', (type, payload) => {
      for (const listener of this.#eventListeners.get(String(type)) ?? []) listener(payload as never);
    });
    this.status.set({ kind: 'live' });
  }

  #left(code: number, reason: string | undefined, token: string, heldMs: number): void {
    this.#room = null;
    this.#keep(FAILED.has(code) ? token : undefined);
    if (code === SESSION_REPLACED && reason !== SAME_CLIENT) return void this.#displaced(this.#renew());
    this.#failures = heldMs < LASTING_MS ? this.#failures + 1 : 0;
    void this.#join(this.#renew(), Math.random() * REJOIN_SPREAD_MS);
  }

  async #displaced(present: AbortController): Promise<void> {
    this.status.set({ kind: this.#options.isOurs === undefined ? 'replaced' : 'dropped' });
    const ours = (await this.#options.isOurs?.()) ?? false;
    if (present.signal.aborted) return;
    if (ours) void this.#join(this.#renew());
    else this.status.set({ kind: 'replaced' });
  }

  #keep(token: string | undefined): void {
    this.#seat = token === undefined ? undefined : { token, until: Date.now() + SEAT_KEPT_MS };
  }

  #renew(): AbortController {
    this.#present.abort();
    this.#present = new AbortController();
    return this.#present;
  }

  #end(status: LinkStatus): void {
    this.#renew();
    const room = this.#room;
    this.#room = null;
    this.#seat = undefined;
    if (room) leaveQuietly(room);
    this.status.set(status);
  }
}
