import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { submit, type Asked } from './boards.ts';
import { commandId, until } from './player.ts';

/** What may be said while something is away; the same again answers. */
const PASSING = new Set(['BUSY', 'INTERNAL', 'CONCURRENT_MODIFICATION']);
const AGAIN_MS = 50;
const PAUSE_MS = 50;
/** What is not answered so long after the end is not answered at all. */
const LAST_ANSWER_MAX_MS = 10_000;
/** Every so manieth is repeated through another process once it was answered. */
const REPEATED_EVERY = 4;

/** Scores of one on a sum board under way at all times, each under its id until it is answered, by whichever process. */
export class ScoreTraffic {
  /** By season and player: what each command was answered. */
  readonly answered = new Map<string, number[]>();
  readonly #options: TrafficOptions;
  readonly #lanes: Promise<void>[];
  readonly #repeats: [first: string, again: string][] = [];
  #count = 0;
  #stopping = false;
  #endsAt = Infinity;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#lanes = options.players.map((player, at) => this.#submit(player, at));
    for (const lane of this.#lanes) lane.catch(() => undefined); // thrown where it is stopped
  }

  /** Waits until so many more are answered. */
  async flows(scores: number, withinMs: number, what: string): Promise<void> {
    const wanted = this.#count + scores;
    await until(() => this.#count >= wanted, withinMs, what);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endsAt = Math.min(this.#endsAt, performance.now() + LAST_ANSWER_MAX_MS);
    await Promise.all(this.#lanes);
  }

  /** Each acted once: those of one player and season were answered with 1, 2, 3 … in some order, and repeats as at first. */
  assertAnsweredOnce(): void {
    for (const [key, answers] of this.answered) assert.deepEqual(answers.toSorted((a, b) => a - b), answers.map((_, at) => at + 1), `each score of ${key} acts once`);
    for (const [first, again] of this.#repeats) assert.equal(again, first, 'a repeat is answered as at first');
    assert.ok(this.#repeats.length > 0, 'some were repeated');
  }

  async #submit(player: string, at: number): Promise<void> {
    for (let turn = at; !this.#stopping; turn++) {
      const id = commandId();
      const { season, score } = await this.#answerOf(id, player, turn);
      const key = `${season} ${player}`;
      this.answered.set(key, [...(this.answered.get(key) ?? []), score]);
      this.#count++;
      if (turn % REPEATED_EVERY === 0) this.#repeats.push([JSON.stringify({ season, score }), JSON.stringify(await this.#answerOf(id, player, turn + 1))]);
      await delay(PAUSE_MS);
    }
  }

  async #answerOf(id: ReturnType<typeof commandId>, player: string, turn: number): Promise<{ season: number; score: number }> {
    const { servers, board } = this.#options;
    for (let at = turn; ; at++) {
      const submitted = await submit(servers[at % servers.length]!, board, player, 1, id);
      if (submitted?.status === 200) return { season: submitted.body.season, score: submitted.body.score };
      if (submitted !== undefined && !PASSING.has(submitted.body.code)) throw new Error(`a score was answered with ${JSON.stringify(submitted.body)}`);
      if (performance.now() > this.#endsAt) throw new Error(`a score was not answered: ${JSON.stringify(submitted?.body)}`);
      await delay(AGAIN_MS);
    }
  }
}

interface TrafficOptions {
  servers: readonly Asked[];
  board: string;
  players: readonly string[];
}
