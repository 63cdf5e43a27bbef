import type { Deed } from '../profile.ts';

/** What a process of bots is told before it begins. */
export interface CrewOrders {
  endpoints: readonly string[];
  bots: number;
  /** Bots of a run arrive as if all were in one process: so many seconds lie between two of this one's. */
  arrivalGapMs: number;
  everyMs: number;
  mix: Record<Deed, number>;
  seed: number;
}

export type CrewOrder =
  | { type: 'begin'; orders: CrewOrders }
  /** They were given what they trade with. */
  | { type: 'go' }
  /** No more deeds; those that are under way are waited for. */
  | { type: 'finish' };

/** How requests of one kind ended in a moment. */
export interface Ended {
  /** Of those that were answered, in ms from when they were due. */
  answeredMs: number[];
  /** How often, by the code of the refusal. */
  refused: Record<string, number>;
  /** How often, by what was said. */
  failed: Record<string, number>;
}

export type CrewReport =
  | { type: 'present'; players: string[] }
  | { type: 'moment'; ended: Record<string, Ended>; online: number; bytes: number; cpuUs: number }
  | { type: 'fault'; message: string }
  | { type: 'finished' };
