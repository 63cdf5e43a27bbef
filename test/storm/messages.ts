/** What a bots' process is told to do. */
export interface BotOrders {
  endpoints: readonly string[];
  bots: number;
  seed: number;
}

export type BotOrder = { type: 'begin'; orders: BotOrders } | { type: 'stock'; done: true } | { type: 'finish' };

/** An acceptance that was answered, or might have been: by whose command, and what became of it as far as its client knows. */
export interface Accepted {
  trade: string;
  players: readonly [string, string];
  commands: readonly [string, string];
  outcome: 'settled' | 'refused' | 'unknown';
}

export type BotReport =
  /** All are signed in and have joined. */
  | { type: 'present'; players: string[] }
  | { type: 'trade'; accepted: Accepted }
  /** It is in its rooms, and had an answer from PostgreSQL to what it asked at that time. */
  | { type: 'answered'; player: string; begunAt: number; at: number }
  /** It was in its rooms, and lost one at that time. */
  | { type: 'hit'; player: string; at: number }
  | { type: 'gathered'; player: string; command: string; quantity: number }
  | { type: 'fault'; message: string }
  /** Who is online at the end, with what its room shows. */
  | { type: 'finished'; online: string[]; histories: Record<string, string>; shown: Record<string, { fungibles: Record<string, number>; items: string[] }> };
