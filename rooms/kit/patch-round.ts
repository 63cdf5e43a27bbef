import type { Room } from '@colyseus/core';
import type { RoomKit } from './authenticated-room.ts';
import { encoderOf, type RoomEncoder } from './encoder-space.ts';

/** How often a room's clock moves, by which messages are counted and its timeouts end. */
const CLOCK_MS = 250;
/** The longest that Node knows. */
const NEVER_MS = 2 ** 31 - 1;
/** Rooms whose turns are closer than this have the same one. */
const SLOT_MS = 5;

/** What a round knows of time; a test has its own. */
export interface Timers {
  nowMs(): number;
  /** @returns what takes it back */
  after(ms: number, run: () => void): () => void;
}

const PROCESS_TIMERS: Timers = {
  nowMs: () => performance.now(),
  after(ms, run) {
    if (ms > 0) {
      const timer = setTimeout(run, Math.ceil(ms));
      return () => clearTimeout(timer);
    }
    const immediate = setImmediate(run); // when what has come was heard
    return () => clearImmediate(immediate);
  },
};

interface Member {
  room: Room;
  encoder: RoomEncoder;
  beforeLook: (() => void) | undefined;
}

/**
 * Sends what changed, of many rooms at the same interval, each at its own moment of it. [RM6]
 *
 * A timer in each room costs a fifth of a process with a thousand players who walk, most of it in rooms with nothing to send.
 * It also drifts by whatever a turn came too late, so that fewer patches are sent, and timers that were late once are due
 * together from then on: everything is sent in one go, during which nobody is heard. Here moments are counted from the
 * beginning, and between two of them the process hears what has come.
 */
export class PatchRound {
  readonly #slotMs: number;
  readonly #turnsPerTick: number;
  readonly #kit: Pick<RoomKit, 'report'>;
  /** By the moment of the interval. */
  readonly #slots: Set<Member>[];
  readonly #timers: Timers;
  readonly #beganMs: number;
  /** Which moment is waited for, counted from the beginning. */
  #next = 0;
  #stop: (() => void) | undefined;

  /**
   * @param intervalMs between two turns of a room, 5 or more
   * @param kit is told what a room threw; the others go on
   */
  constructor(intervalMs: number, kit: Pick<RoomKit, 'report'>, timers = PROCESS_TIMERS) {
    this.#kit = kit;
    this.#timers = timers;
    this.#beganMs = timers.nowMs();
    this.#slots = Array.from({ length: Math.max(1, Math.floor(intervalMs / SLOT_MS)) }, () => new Set<Member>());
    this.#slotMs = intervalMs / this.#slots.length;
    this.#turnsPerTick = Math.max(1, Math.floor(CLOCK_MS / intervalMs));
  }

  /**
   * @param beforeLook runs at each turn, before what changed is sent
   * @returns what leaves the room out again
   */
  add(room: Room, beforeLook?: () => void): () => void {
    // Its own timers do nothing more: a room without a game loop would move its clock sixty times a second.
    room.setTimestep(() => undefined, NEVER_MS);
    room.patchRate = null;
    const member: Member = { room, encoder: encoderOf(room), beforeLook };
    const slot = this.#slots.reduce((least, one) => (one.size < least.size ? one : least));
    slot.add(member);
    const first = this.#following(this.#now, (one) => one === slot);
    if (this.#stop === undefined || first < this.#next) this.#plan(first);
    return () => {
      slot.delete(member);
      if (this.#slots.some(({ size }) => size > 0)) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  /** The moment that it is, or was last. */
  get #now(): number {
    return Math.floor((this.#timers.nowMs() - this.#beganMs) / this.#slotMs);
  }

  /** The next moment of such rooms, of which there are some. */
  #following(moment: number, isMeant: (slot: Set<Member>) => boolean): number {
    const count = this.#slots.length;
    for (let after = 1; after <= count; after++) {
      const slot = this.#slots[(moment + after) % count];
      if (slot !== undefined && isMeant(slot)) return moment + after;
    }
    return moment + count;
  }

  #plan(moment: number): void {
    this.#stop?.();
    this.#next = moment;
    this.#stop = this.#timers.after(this.#beganMs + moment * this.#slotMs - this.#timers.nowMs(), () => this.#go());
  }

  #go(): void {
    const count = this.#slots.length;
    // The latest of its moments: who is behind by more than an interval leaves out turns, and nobody is sent the past.
    const moment = this.#next + Math.max(0, Math.floor((this.#now - this.#next) / count)) * count;
    const movesClock = Math.floor(moment / count) % this.#turnsPerTick === 0;
    for (const member of this.#slots[moment % count] ?? []) this.#turn(member, movesClock);
    if (this.#stop === undefined) return; // the last room has left
    this.#plan(this.#following(moment, ({ size }) => size > 0));
  }

  #turn({ room, encoder, beforeLook }: Member, movesClock: boolean): void {
    try {
      if (movesClock) room.clock.tick();
      beforeLook?.();
      if (encoder.hasChanges) room.broadcastPatch();
    } catch (error) {
      this.#kit.report({ ref: room.roomId, type: `${room.roomName}.patch`, error });
    }
  }
}
