import type { Room } from '@colyseus/sdk';
import { backOffMs, sleep } from './back-off.ts';
import { cell } from './cell.ts';
import { AnswerLost, readFailure } from './refusal-text.ts';

/** The server closes a displaced session with this. */
const SESSION_REPLACED = 4100;
/** Matchmaking's word for "no such room". */
const NO_SUCH_ROOM = 522;
const JOIN_TIMEOUT_MS = 15_000;
/** A seat held this long counts as success. */
const LASTING_MS = 5000;

/** Where one room of the player stands. Only `live` takes requests at once; the rest is what the banner speaks of. */
export type LinkStatus =
  | { kind: 'idle' }
  | { kind: 'joining'; attempt: number }
  | { kind: 'live' }
  | { kind: 'dropped' }
  | { kind: 'replaced' }
  | { kind: 'gone' }
  | { kind: 'lost' }
  | { kind: 'closed' };

export interface RoomLinkOptions<State> {
  join: () => Promise<Room<unknown, State>>;
  /** Attaches the listeners; called for each new room, also after a server restart. */
  wire: (room: Room<unknown, State>) => void;
  /** The server does not know the token, or could not look it up; joining goes on until the owner closes the link. */
  unauthenticated?: () => void;
  /** After so many failed joins in a row it stops and says `lost`. */
  attemptsMax?: number;
}

/**
 * Keeps one seat in one kind of room for as long as the page wants it. A short drop is the SDK's to mend (same seat);
 * a seat that is gone (server restarted, window passed) is joined anew with back-off; a session that was taken over
 * elsewhere is left alone until the player asks.
 */
export class RoomLink<State> {
  readonly status = cell<LinkStatus>({ kind: 'idle' });
  readonly #options: RoomLinkOptions<State>;
  #room: Room<unknown, State> | null = null;
  /** Rises with every start and close, so that a join that comes back late is not taken for the present one. */
  #generation = 0;
  /** Joins in a row that did not lead to a lasting seat: a room that closes us at once is backed off from, too. */
  #failures = 0;

  constructor(options: RoomLinkOptions<State>) {
    this.#options = options;
  }

  get room(): Room<unknown, State> | null {
    return this.#room;
  }

  /** Joins, or joins again from `replaced`, `lost` or `closed`. */
  start(): void {
    this.#failures = 0;
    void this.#join(++this.#generation);
  }

  close(): void {
    this.#generation++;
    this.#leave();
    this.status.set({ kind: 'closed' });
  }

  /** Fire and forget; dropped while there is no connection, because only the newest would matter. */
  send(type: string, payload: unknown): void {
    if (this.status.get().kind === 'live') this.#room?.send(type, payload);
  }

  /**
   * One request and its answer; waits a bounded time for a link that is on its way to be live.
   * @throws {Refused | AnswerLost}
   */
  async request<Answer>(type: string, payload: unknown, { liveWithinMs = 15_000, timeoutMs = 10_000 } = {}): Promise<Answer> {
    await this.#untilLive(liveWithinMs);
    try {
      return await (this.#room as Room).request(type, payload, { timeout: timeoutMs });
    } catch (error) {
      throw readFailure(error);
    }
  }

  async #join(generation: number): Promise<void> {
    for (; this.#failures < (this.#options.attemptsMax ?? 12); this.#failures++) {
      this.status.set({ kind: 'joining', attempt: this.#failures });
      if (this.#failures > 0) await sleep(backOffMs(this.#failures - 1));
      if (generation !== this.#generation) return;
      try {
        const room = await withinJoinTime(this.#options.join());
        if (generation !== this.#generation) return leaveQuietly(room);
        return this.#adopt(room, generation);
      } catch (error) {
        if (generation !== this.#generation) return;
        const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
        if (message.includes('UNAUTHENTICATED')) this.#options.unauthenticated?.();
        if (code === NO_SUCH_ROOM || message.includes('TRADE_NOT_FOUND')) return this.status.set({ kind: 'gone' });
      }
    }
    this.status.set({ kind: 'lost' });
  }

  #adopt(room: Room<unknown, State>, generation: number): void {
    this.#room = room;
    room.reconnection.minUptime = 1000;
    room.reconnection.maxRetries = 6;
    const joinedAt = Date.now();
    const current = () => generation === this.#generation && room === this.#room;
    room.onDrop(() => {
      if (current()) this.status.set({ kind: 'dropped' });
    });
    room.onReconnect(() => {
      if (current()) this.status.set({ kind: 'live' });
    });
    room.onLeave((code) => {
      if (!current()) return;
      this.#room = null;
      if (code === SESSION_REPLACED) return this.status.set({ kind: 'replaced' });
      this.#failures = Date.now() - joinedAt < LASTING_MS ? this.#failures + 1 : 0;
      void this.#join(++this.#generation);
    });
    this.#options.wire(room);
    this.status.set({ kind: 'live' });
  }

  #leave(): void {
    const room = this.#room;
    this.#room = null;
    if (room) leaveQuietly(room);
  }

  async #untilLive(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (this.status.get().kind !== 'live') {
      const coming = ['joining', 'dropped'].includes(this.status.get().kind);
      if (!coming || Date.now() > deadline) throw new AnswerLost();
      await sleep(50);
    }
  }
}

/** A join that hangs counts as failed; when it does succeed later, its seat is given back. */
function withinJoinTime<Joined extends Room>(joining: Promise<Joined>): Promise<Joined> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error('joining took too long'));
    }, JOIN_TIMEOUT_MS);
    joining.then(
      (room) => {
        clearTimeout(timer);
        if (late) leaveQuietly(room);
        else resolve(room);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

function leaveQuietly(room: Room): void {
  room.reconnection.enabled = false;
  try {
    room.leave().catch(() => {});
  } catch {
    // The socket was closed already: there is no seat to give back.
  }
}
