import type { HeldVersion, Profile } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';

export interface Watched {
  playerId: PlayerId;
  /** The version that the room shows now. */
  version(): number;
  /** The session epoch that the room holds. */
  epoch: number;
  onBehind(version: number): void;
  onDisplaced(epoch: number): void;
  /** What it is called and how far it is, changed or not, by a question asked at that time (`performance.now()`): who has heard since knows better. */
  onProfile?(profile: Profile, askedAt: number): void;
}

/**
 * Heals what the bus lost: compares what rooms show with PostgreSQL, all of them in one query per shard. [DS5]
 * A room that was told nothing for an interval still learns that it is behind, or that its session was taken.
 */
export class VersionWatch {
  readonly #versions: (players: readonly PlayerId[]) => Promise<Map<string, HeldVersion>>;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(versions: (players: readonly PlayerId[]) => Promise<Map<string, HeldVersion>>) {
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
    const truth = await this.#versions(rooms.map(({ playerId }) => playerId));
    for (const room of rooms) {
      const held = truth.get(room.playerId);
      // A room that was left meanwhile is no more.
      if (held === undefined || !this.#watched.has(room)) continue;
      if (held.epoch > room.epoch) {
        room.onDisplaced(held.epoch);
        continue;
      }
      if (held.version > room.version()) room.onBehind(held.version);
      if (held.profile) room.onProfile?.(held.profile, askedAt);
    }
  }
}
