import type { HeldVersion, Profile } from '../../persistence/index.ts';
import type { ClientId } from '../../schema/ids.ts';

export interface Watched {
  /** Whose version it is: a player's, or a guild's. */
  key: string;
  /** The version that the room shows now. */
  version(): number;
  /** The session epoch that the room holds. */
  epoch: number;
  onBehind(version: number): void;
  /** By a newer session, and which client took that, if it said so. */
  onDisplaced?(by: ClientId | undefined): void;
  /** There is nobody of that key any more. */
  onGone?(): void;
  /** What it is called and how far it is, changed or not, by a question asked at that time (`performance.now()`): who has heard since knows better. */
  onProfile?(profile: Profile, askedAt: number): void;
}

/**
 * Heals what the bus lost: compares what rooms show with PostgreSQL, all of them in one query per shard. [DS5]
 * A room that was told nothing for an interval still learns that it is behind, or that its session was taken.
 */
export class VersionWatch {
  readonly #versions: (keys: readonly string[]) => Promise<Map<string, HeldVersion>>;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(versions: (keys: readonly string[]) => Promise<Map<string, HeldVersion>>) {
    this.#versions = versions;
  }

  /** @returns what ends the watching */
  add(watched: Watched): () => void {
    this.#watched.add(watched);
    return () => this.#watched.delete(watched);
  }

  start(intervalMs: number, report: (error: unknown) => void): void {
    const next = () => {
      if (!this.#stopped) this.#timer = setTimeout(() => void this.compare().catch(report).finally(next), intervalMs);
    };
    next();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async compare(): Promise<void> {
    if (this.#watched.size === 0) return;
    const rooms = [...this.#watched];
    const askedAt = performance.now();
    const truth = await this.#versions(rooms.map(({ key }) => key));
    for (const room of rooms) {
      const held = truth.get(room.key);
      // A room that was left meanwhile is no more.
      if (!this.#watched.has(room)) continue;
      if (held === undefined) {
        room.onGone?.();
        continue;
      }
      if (held.epoch > room.epoch) {
        room.onDisplaced?.(held.client);
        continue;
      }
      if (held.version > room.version()) room.onBehind(held.version);
      if (held.profile) room.onProfile?.(held.profile, askedAt);
    }
  }
}
