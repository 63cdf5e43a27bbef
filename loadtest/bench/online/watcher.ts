import type { Client, Room } from '@colyseus/sdk';
import { ZoneState } from '../../../schema/states/zone-state.ts';
import { quiet } from '../sockets/trader.ts';
import type { LightSeat } from './light-seat.ts';
import type { Walker } from './walker.ts';

/** As far as it goes at once, so that it arrives, and can be seen to set out again, more than once a second. */
const STROLL = { min: 40, max: 120 };

interface Point {
  x: number;
  y: number;
}

/** A player by the SDK, who reads the zone's state and times how soon it sees itself set out. */
export class Watcher implements Walker {
  readonly #id: string;
  readonly #own: LightSeat;
  readonly #zone: Room<unknown, ZoneState>;
  readonly #patchIntervalMs: number;
  patches = 0;
  /** From each move that was sent until the own place began to change, in ms. */
  readonly echoesMs: number[] = [];
  #sentAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #target: Point | undefined;
  #seen: Point | undefined;
  #isWalking = false;

  private constructor(id: string, own: LightSeat, zone: Room<unknown, ZoneState>, patchIntervalMs: number) {
    [this.#id, this.#own, this.#zone, this.#patchIntervalMs] = [id, own, zone, patchIntervalMs];
    zone.onStateChange(() => this.#look());
  }

  static async join(client: Client, own: LightSeat, options: { zone: string; playerId: string }, patchIntervalMs: number): Promise<Watcher> {
    const zone = await client.joinOrCreate('zone', options, ZoneState);
    quiet(zone);
    return new Watcher(options.playerId, own, zone, patchIntervalMs);
  }

  get isThere(): boolean {
    return this.#own.isOpen && this.#zone.connection.isOpen;
  }

  /** How long it has waited by now to see itself move, if it does. */
  get waitedMs(): number {
    return this.#sentAt === undefined ? 0 : performance.now() - this.#sentAt;
  }

  walk(isWalking: boolean): void {
    this.#isWalking = isWalking;
  }

  turn(): void {
    // It goes by what it sees.
  }

  /** At each patch: whether it set out, or has arrived. */
  #look(): void {
    this.patches++;
    const shown = this.#zone.state.players.get(this.#id);
    if (shown === undefined) return;
    const { x, y } = shown;
    const moved = this.#seen !== undefined && (x !== this.#seen.x || y !== this.#seen.y);
    this.#seen = { x, y };
    if (moved && this.#sentAt !== undefined) {
      this.echoesMs.push(performance.now() - this.#sentAt);
      this.#sentAt = undefined;
    }
    const arrived = this.#target === undefined || (x === this.#target.x && y === this.#target.y);
    // At any moment between two patches, as people click.
    if (arrived && this.#isWalking && this.#timer === undefined && this.#sentAt === undefined) this.#timer = setTimeout(() => this.#stroll({ x, y }), Math.random() * this.#patchIntervalMs);
  }

  #stroll(from: Point): void {
    this.#timer = undefined;
    const { width, height } = this.#zone.state;
    const [angle, far] = [Math.random() * 2 * Math.PI, STROLL.min + Math.random() * (STROLL.max - STROLL.min)];
    // Away from the walls, towards which one might not move at all; rounded as the state shows it.
    const step = (at: number, by: number, size: number) => Math.fround(at + by < 0 || at + by > size ? at - by : at + by);
    this.#target = { x: step(from.x, Math.cos(angle) * far, width), y: step(from.y, Math.sin(angle) * far, height) };
    this.#sentAt = performance.now();
    this.#zone.send('move', this.#target);
  }
}
