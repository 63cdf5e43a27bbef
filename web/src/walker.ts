export interface Point {
  x: number;
  y: number;
}

export interface Bounds {
  width: number;
  height: number;
}

/** A little under the server's limit, so that jitter between two messages does not look like cheating. */
const SPEED_PER_S = 180;
/** The server hears of a walk ten times a second. */
const SEND_INTERVAL_MS = 100;
/** Past this the server moved us (a clamp, a teleport), and its word is taken at once. */
const SNAP_DISTANCE = 140;
const RESENDS_MAX = 8;
const ARRIVED_DISTANCE = 1;

/**
 * The player's own feet: walks at once towards a target or in a direction, tells the server at most ten times a
 * second, and softly follows the server where the two differ.
 */
export class Walker {
  position: Point | undefined;
  target: Point | undefined;
  /** From the keys, each −1, 0 or 1. A direction beats a target. */
  direction: Point = { x: 0, y: 0 };
  moving = false;
  #server: Point | undefined;
  #sent: Point | undefined;
  #sentAt = 0;
  #resends = 0;

  /** Takes in where the server says that we are. */
  heed(server: Point): void {
    this.#server = { ...server };
    if (!this.position || distance(this.position, server) > SNAP_DISTANCE) {
      this.position = { ...server };
      this.#sent = { ...server };
      if (this.target && distance(this.target, server) > SNAP_DISTANCE * 10) this.target = undefined;
    }
  }

  /** How far the server's idea of us is from a point; what decides whether something is in reach. */
  serverDistanceTo(point: Point): number {
    return this.#server ? distance(this.#server, point) : Number.POSITIVE_INFINITY;
  }

  /** Moves by `elapsedMs` and answers what to send now, if anything. */
  step(elapsedMs: number, bounds: Bounds, nowMs: number): Point | undefined {
    const { position } = this;
    if (!position) return undefined;
    const heading = this.#heading(position);
    this.moving = heading !== undefined;
    if (heading) {
      const reach = Math.min((SPEED_PER_S * elapsedMs) / 1000, heading.length);
      position.x = clamp(position.x + heading.x * reach, 0, bounds.width);
      position.y = clamp(position.y + heading.y * reach, 0, bounds.height);
      this.#resends = 0;
    } else if (this.#server && this.#resends >= RESENDS_MAX) {
      // We stood still, said so, and the server has another place for us: glide there.
      const share = Math.min(1, elapsedMs / 150);
      position.x += (this.#server.x - position.x) * share;
      position.y += (this.#server.y - position.y) * share;
    }
    return this.#news(position, nowMs);
  }

  #heading(position: Point): (Point & { length: number }) | undefined {
    const { direction, target } = this;
    if (direction.x !== 0 || direction.y !== 0) {
      this.target = undefined;
      const length = Math.hypot(direction.x, direction.y);
      return { x: direction.x / length, y: direction.y / length, length: Number.POSITIVE_INFINITY };
    }
    if (!target) return undefined;
    const length = distance(position, target);
    if (length <= ARRIVED_DISTANCE) {
      this.target = undefined;
      return undefined;
    }
    return { x: (target.x - position.x) / length, y: (target.y - position.y) / length, length };
  }

  #news(position: Point, nowMs: number): Point | undefined {
    if (nowMs - this.#sentAt < SEND_INTERVAL_MS) return undefined;
    const changed = !this.#sent || distance(this.#sent, position) > 0.5;
    const behind = !this.moving && this.#server !== undefined && distance(this.#server, position) > 2 && this.#resends < RESENDS_MAX;
    if (!changed && !behind) return undefined;
    if (!changed) this.#resends++;
    this.#sentAt = nowMs;
    this.#sent = { ...position };
    return { ...position };
  }
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** The place at `reach` from `goal` on the way from `from`: where to stand in order to touch it. */
export function standBy(from: Point, goal: Point, reach: number): Point {
  const length = distance(from, goal);
  if (length <= reach) return { ...from };
  return { x: goal.x + ((from.x - goal.x) / length) * reach, y: goal.y + ((from.y - goal.y) / length) * reach };
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), Math.max(min, max));
}
