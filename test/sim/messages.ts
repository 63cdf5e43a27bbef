import type { FaultPoint } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';

/** Who gives (the first of the two players or the second), what (an asset's name or an item's id), and how many. */
export type Leg = [giver: 0 | 1, thing: string, quantity: number];

/** What a worker is told: its orders once, to end itself when it next reaches a fault point, when to stand by, and when enough was traded. */
export type Order = { type: 'begin'; orders: Orders } | { type: 'finish' } | { type: 'pause' } | { type: 'resume' } | { type: 'die'; point: FaultPoint };

export interface Orders {
  urls: readonly string[];
  /** Shared with the other workers, so that they race. Reports name them by their place here. */
  players: readonly PlayerId[];
  seed: number;
  inFlight: number;
  /** The players stand in threes, and trade in rings. */
  inRings?: boolean;
}

/** A trade as it is reported before anything of it is asked. */
export interface Asked {
  trade: string;
  players: [number, number];
  /** The command ids of both acceptances. */
  commands: [string, string];
  legs: Leg[];
}

/** What a worker reports; it goes on when the report is in the pipe, which outlives it. */
export type Report =
  | { type: 'ready' }
  | ({ type: 'asked' } & Asked)
  | { type: 'acknowledged'; trade: string; moved: Leg[] }
  | { type: 'refused'; trade: string; code: string }
  /** A client would hear INTERNAL or nothing: it may have happened. */
  | { type: 'unanswered'; trade: string; error: string }
  /** So far in this worker's life. */
  | { type: 'retries'; count: number };
