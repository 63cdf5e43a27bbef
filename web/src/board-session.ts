import type { BoardRows } from '../../schema/leaderboard.ts';
import { cell, Refused, type Cell, type LinkStatus, type RoomLink } from '../client/index.ts';
import { followRows, type MovingRows } from './board-moves.ts';
import { MY_GUILD, regionOf } from './board-scope.ts';
import { hasPlayer, readBoard } from './board-view.ts';
import type { ClientSession } from './client-session.ts';
import { PacedAsk } from './paced-ask.ts';
import { refusalText } from './refusal-text.ts';

/** Which board, and of whom: all regions, one of them, or the own guild. */
export interface BoardChoice {
  board: string;
  scope: string;
}

/** How many neighbours above, and how many below. */
const RADIUS = 1;
const ASK_GAP_MS = 1_000;
const ASK_EVERY_MS = 5_000;
const ASK_DEADLINE_MS = 10_000;
/** Arrow keys go over boards faster than rooms are entered. */
const SETTLED_AFTER_MS = 150;

/** The board that is looked at: the room of its best, and the answers about those whom the room does not show. */
export class BoardSession {
  readonly choice: Cell<BoardChoice | undefined> = cell<BoardChoice | undefined>(undefined);
  readonly standing: Cell<LinkStatus['kind']> = cell<LinkStatus['kind']>('idle');
  readonly top: Cell<MovingRows | undefined> = cell<MovingRows | undefined>(undefined);
  /** Around the player, who is not among the best; or the player's guild, where that is the scope. */
  readonly asked: Cell<MovingRows | undefined> = cell<MovingRows | undefined>(undefined);
  /** Why there is no answer; empty while there is one, or may be soon. */
  readonly problem: Cell<string> = cell('');
  readonly #session: ClientSession;
  readonly #stops: (() => void)[];
  #link: RoomLink<'leaderboard'> | undefined;
  #entering: ReturnType<typeof setTimeout> | undefined;
  #asks: PacedAsk | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
    this.#stops = [
      this.top.watch(() => this.#asks?.soon()),
      session.player.watch((player, before) => player?.guildId !== before?.guildId && this.#asks?.soon()),
    ];
  }

  choose(choice: BoardChoice): void {
    const before = this.choice.get();
    if (before?.board === choice.board && before.scope === choice.scope) return;
    this.#asks?.close();
    this.#asks = new PacedAsk({ ask: () => this.#ask(), gapMs: ASK_GAP_MS, everyMs: ASK_EVERY_MS });
    this.asked.set(undefined);
    this.problem.set('');
    this.choice.set(choice);
    const sameRoom = before?.board === choice.board && regionOf(before.scope) === regionOf(choice.scope);
    if (sameRoom) return this.#asks.soon();
    this.#leave();
    this.#entering = setTimeout(() => this.#enter(choice), before ? SETTLED_AFTER_MS : 0);
  }

  /** From `gone` or `lost`: asks for the room again. */
  comeBack(): void {
    this.#link?.start();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#asks?.close();
    this.#leave();
  }

  #leave(): void {
    clearTimeout(this.#entering);
    this.#link?.close();
    this.#link = undefined;
    this.top.set(undefined);
    this.standing.set('idle');
  }

  #enter({ board, scope }: BoardChoice): void {
    const link = this.#session.leaderboard(board, regionOf(scope));
    this.#link = link;
    link.onState((state) => {
      const rows = this.#link === link ? readBoard(state) : undefined;
      if (rows) this.top.set(followRows(this.top.get(), rows, { nowMs: Date.now(), newcomers: true }));
    });
    link.status.watchNow(({ kind }) => {
      if (this.#link !== link) return;
      this.standing.set(kind);
      if (kind === 'live') this.#asks?.soon();
    });
  }

  /** Whoever is among the best is seen there, and nobody without a guild has one to ask for. */
  async #ask(): Promise<void> {
    const [link, choice, top] = [this.#link, this.choice.get(), this.top.get()];
    const player = this.#session.player.get();
    const guild = choice?.scope === MY_GUILD;
    if (!link || !player || (guild ? !player.guildId : !top || hasPlayer(top.rows, player.playerId))) return this.asked.set(undefined);
    try {
      const rows: BoardRows = await (guild ? link.request('leaderboard:guild', {}, { deadlineMs: ASK_DEADLINE_MS }) : link.request('leaderboard:around', { radius: RADIUS }, { deadlineMs: ASK_DEADLINE_MS }));
      if (this.choice.get() !== choice) return;
      this.asked.set(followRows(this.asked.get(), rows, { nowMs: Date.now(), newcomers: guild }));
      this.problem.set('');
    } catch (error) {
      // Without an answer it is asked again, and the page says that the connection is gone.
      if (error instanceof Refused && this.choice.get() === choice) this.problem.set(refusalText(error.reply));
    }
  }
}
