import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CommandReader, Movement, MovementOutcome, StaleItem } from '../../persistence/index.ts';
import type { CommandId, PlayerId, TradeId } from '../../schema/ids.ts';
import type { Accept, Offer } from '../../schema/messages/trade.ts';
import { BrokenInvariant, invariant } from '../../schema/invariant.ts';
import { firstRefusal, Refusal, type RefusalCode } from '../../schema/refusals.ts';
import type { Catalog } from '../catalog/index.ts';
import { CachedHoldings, type HoldingsLook, type Inventory } from '../inventory/index.ts';
import { hashCommand, sameAnswer, type Ledger } from '../ledger/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { fateOf, type Fate, type Patience } from './fate.ts';
import type { Invitations } from './invitations.ts';
import { tradePostings } from './postings.ts';
import { TradeWindow, type OfferedItem } from './trade-window.ts';

const ATTEMPTS_MAX = 3;
const JITTER_MS = 15;

export interface AcceptOutcome {
  status: 'waiting' | 'settled';
}

/** One for all: a batch writes it once. */
const SETTLED: AcceptOutcome = Object.freeze({ status: 'settled' as const });
const answerSettled = () => SETTLED;

export interface TradeDeps {
  ledger: Pick<Ledger, 'submit'>;
  inventory: Pick<Inventory, 'look' | 'reload' | 'refresh'>;
  catalog: Pick<Catalog, 'fungible'>;
  commands: CommandReader;
  invitations: Pick<Invitations, 'ended'>;
  metrics: Metrics;
  /** How long the database is asked what became of a settlement that failed; minutes, unless given. */
  patience?: Patience;
}

/** One trade from the invitation to its end, the inviter first: the window's rules, with the inventory and the ledger behind them. */
export class Trade {
  readonly id: TradeId;
  readonly window: TradeWindow;
  readonly #deps: TradeDeps;
  // An array that something is pushed to has room for sixteen more: of those of a trade that waits, each would be as large as the rest of it.
  #seats: readonly { readonly player: PlayerId; session: { readonly epoch: number } }[] = [];
  /** What each command asked here, so that a repeat is told from a reuse. */
  #asked: readonly { id: CommandId; hash: Buffer }[] = [];
  #lastHash: { revision: number; hash: Buffer } | undefined;
  #settlement: Promise<AcceptOutcome> | undefined;
  /** Why it is cancelled should it open again. */
  #calledOff: string | undefined;
  /** Until the last offer that waits for a query is shown or refused. */
  #offering: Promise<void> | undefined;

  constructor(id: TradeId, players: readonly [PlayerId, PlayerId], deps: TradeDeps) {
    this.id = id;
    this.window = new TradeWindow(players);
    this.#deps = deps;
  }

  /** The session that a side acts in; the settlement is refused if it is displaced by then. [SE2] */
  seat(player: PlayerId, session: { readonly epoch: number }): void {
    this.window.side(player);
    const seat = this.#seats.find((taken) => taken.player === player);
    if (seat === undefined) this.#seats = [...this.#seats, { player, session }];
    else seat.session = session;
  }

  /**
   * Replaces one's own side with things that are held, as far as is known here; the write looks again. [TR1] [TR5]
   * @throws {Refusal} UNKNOWN_ASSET, NOT_OWNER, ITEM_BOUND, INSUFFICIENT, TRADE_NOT_FOUND, TRADE_CLOSED
   */
  async offer(player: PlayerId, offer: Offer): Promise<{ revision: number }> {
    // In order of arrival: an offer that waits for a query must not land on top of a later one.
    const turn = this.#offering === undefined ? this.#offerNow(player, offer) : this.#offering.then(() => this.#offerNow(player, offer));
    if (!(turn instanceof Promise)) return turn;
    const ended = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#offering = ended;
    try {
      return await turn;
    } finally {
      if (this.#offering === ended) this.#offering = undefined;
    }
  }

  #offerNow(player: PlayerId, offer: Offer): { revision: number } | Promise<{ revision: number }> {
    this.window.side(player);
    this.window.mustBeOpen();
    for (const asset of Object.keys(offer.fungibles)) this.#deps.catalog.fungible(asset);
    const held = this.#deps.inventory.look(player);
    return held instanceof Promise ? held.then((now) => this.#offerOf(now, player, offer)) : this.#offerOf(held, player, offer);
  }

  #offerOf(held: HoldingsLook, player: PlayerId, offer: Offer): { revision: number } | Promise<{ revision: number }> {
    const verdict = judgeOffer(held, offer);
    return verdict.code === undefined ? { revision: this.window.offer(player, verdict.items, offer.fungibles) } : this.#offerByDatabase(player, offer);
  }

  /** A cache may be behind: before it is said that something is not held, PostgreSQL is asked. */
  async #offerByDatabase(player: PlayerId, offer: Offer): Promise<{ revision: number }> {
    const verdict = judgeOffer(new CachedHoldings(await this.#deps.inventory.reload(player)), offer);
    if (verdict.code !== undefined) throw new Refusal(verdict.code, verdict.details);
    return { revision: this.window.offer(player, verdict.items, offer.fungibles) };
  }

  /**
   * Records one side's acceptance, and settles once both accepted the same revision.
   * @throws {Refusal} COMMAND_REUSED, NOT_OWNER, ITEM_BOUND, INSUFFICIENT, TRADE_NOT_FOUND, TRADE_CLOSED, TRADE_STALE, CONCURRENT_MODIFICATION
   * @throws what failed the settlement, once it is certain that nothing moved, or that this cannot be found out
   * @see docs/SPEC.md TR2..TR8, TR12
   */
  async accept(player: PlayerId, { commandId, revision }: Accept): Promise<AcceptOutcome> {
    const side = this.window.side(player);
    const hash = this.#hashOf(revision);
    const asked = this.#asked.find(({ id }) => id === commandId);
    if (asked && !asked.hash.equals(hash)) throw new Refusal('COMMAND_REUSED', { commandId });
    if (side.acceptedBy.includes(commandId)) return (await this.#settlement) ?? { status: 'waiting' };
    if (this.window.phase !== 'open') return await this.#afterwards(player, commandId, hash);

    const state = this.window.accept(player, revision, commandId);
    if (asked === undefined) this.#asked = [...this.#asked, { id: commandId, hash }];
    if (state === 'waiting') return { status: 'waiting' };
    const settlement = this.#settle();
    this.#settlement = settlement;
    try {
      return await settlement;
    } finally {
      // Opened again: the next acceptances make the next settlement.
      if (!this.window.isOver) this.#settlement = undefined;
    }
  }

  /** @throws {Refusal} TRADE_NOT_FOUND, TRADE_CLOSED */
  cancel(player: PlayerId, reason = 'cancelled'): void {
    this.window.side(player);
    this.#end(reason);
  }

  /** For a player who left, or a time that is over: an open trade is cancelled now, a settling one if it opens again. [TR10] */
  callOff(reason: string): void {
    if (this.window.phase === 'open') this.#end(reason);
    else this.#calledOff ??= reason;
  }

  /** Resolves when no settlement is under way, however it ends. */
  async settled(): Promise<void> {
    await this.#settlement?.catch(() => undefined);
  }

  #end(reason: string): void {
    this.window.cancel(reason);
    this.#over(reason);
  }

  /** Its room is gone, however that came about. */
  dispose(): void {
    this.#deps.invitations.ended(this.window.players[0], this.id);
  }

  #over(outcome: string): void {
    this.#deps.metrics.trades.count(outcome);
    this.dispose();
  }

  /** Both sides and the write ask for the same one. */
  #hashOf(revision: number): Buffer {
    if (this.#lastHash?.revision !== revision) this.#lastHash = { revision, hash: hashCommand('trade:accept', { revision, tradeId: this.id }) };
    return this.#lastHash.hash;
  }

  /** A repeat that comes when all is over still gets its answer. */
  async #afterwards(player: PlayerId, commandId: CommandId, hash: Buffer): Promise<AcceptOutcome> {
    const known = await this.#deps.commands.find(player, commandId, { awaitWriters: this.window.isAbandoned });
    if (known === undefined) throw new Refusal('TRADE_CLOSED', { phase: this.window.phase });
    return sameAnswer(commandId, hash, known) as AcceptOutcome;
  }

  async #settle(): Promise<AcceptOutcome> {
    try {
      await this.#settleOnce();
    } catch (error) {
      // The process stops.
      if (error instanceof BrokenInvariant) throw error;
      const fate = error instanceof Refusal ? 'nothing' : await fateOf(this.#deps.commands, this.#movement(), this.#deps.patience);
      if (fate !== 'settled') {
        this.#unsettled(fate, error instanceof Refusal ? error.code : 'INTERNAL');
        throw error;
      }
      this.#deps.metrics.retries.inc({ cause: 'outcome' });
      // It moved, but perhaps nobody was told.
      this.#deps.inventory.refresh(this.window.players);
    }
    this.window.settled();
    this.#over('settled');
    return SETTLED;
  }

  #unsettled(fate: Exclude<Fate, 'settled'>, reason: RefusalCode): void {
    if (fate === 'unknown') {
      this.window.abandon(reason);
      return this.#over('unknown');
    }
    this.#deps.metrics.trades.count(reason);
    this.window.reopen(reason);
    if (this.#calledOff !== undefined) this.#end(this.#calledOff);
  }

  /** Up to 3 attempts: an item that only changed hands and came back is read again; one that changed is refused. [TR8] */
  async #settleOnce(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#deps.ledger.submit(this.#movement());
      if (outcome.status === 'committed') return;
      if (outcome.status !== 'stale') return this.#conclude(outcome);
      this.#readAgain(outcome.items);
      if (attempt >= ATTEMPTS_MAX) throw new Refusal('CONCURRENT_MODIFICATION', { attempts: attempt });
      this.#deps.metrics.retries.inc({ cause: 'stale' });
      await delay(Math.random() * JITTER_MS * attempt);
    }
  }

  #conclude(outcome: Exclude<MovementOutcome, { status: 'committed' | 'stale' }>): void {
    if (outcome.status === 'refused') throw new Refusal(outcome.code, outcome.details);
    const commandId = this.#commandIds()[outcome.command]?.id;
    if (commandId) sameAnswer(commandId, this.#hashOf(this.window.revision), outcome);
  }

  #commandIds(): { actor: PlayerId; id: CommandId }[] {
    return this.window.players.flatMap((actor) => this.window.side(actor).acceptedBy.map((id) => ({ actor, id })));
  }

  #movement(): Movement {
    const hash = this.#hashOf(this.window.revision);
    return {
      reason: 'trade',
      postings: tradePostings(this.window),
      commands: this.#commandIds().map(({ actor, id }) => ({ actor, id, hash, answer: answerSettled })),
      fences: this.#seats.map(({ player, session: { epoch } }) => ({ player, epoch })),
    };
  }

  /** @throws {Refusal} TRADE_STALE when an item is no longer what was shown; the window then shows what it is */
  #readAgain(items: readonly StaleItem[]): void {
    for (const { item, ...now } of items) {
      const shown = this.window.players.flatMap((player) => this.window.side(player).items).find(({ id }) => id === item);
      this.window.showItem({ id: item, ...now });
      if (shown?.kind !== now.kind || !isDeepStrictEqual(shown.attributes, now.attributes)) throw new Refusal('TRADE_STALE', { item });
    }
  }
}

type Verdict = { code: RefusalCode; details: Record<string, unknown> } | { code?: undefined; items: OfferedItem[] };

/** Whether the holdings cover the offer, by the first refusal of the table's order. Pure. [TR5] */
export function judgeOffer(held: HoldingsLook, offer: Offer): Verdict {
  const items = offer.items.flatMap((id) => held.item(id) ?? []);
  const fungibles = Object.entries(offer.fungibles);
  const isShort = ([asset, needed]: readonly [string, number]) => held.count(asset) < needed;
  if (items.length === offer.items.length && items.every(({ bound }) => !bound) && !fungibles.some(isShort)) return { items: items.map(({ id, kind, version, attributes }) => ({ id, kind, version, attributes })) };
  const refusals: { code: RefusalCode; details: Record<string, unknown> }[] = [
    ...offer.items.filter((id) => held.item(id) === undefined).map((item) => ({ code: 'NOT_OWNER' as const, details: { item } })),
    ...items.filter(({ bound }) => bound).map(({ id }) => ({ code: 'ITEM_BOUND' as const, details: { item: id } })),
    ...fungibles.filter(isShort).map(([asset, needed]) => ({ code: 'INSUFFICIENT' as const, details: { asset, held: held.count(asset), needed } })),
  ];
  const first = firstRefusal(refusals.map(({ code }) => code));
  const refusal = refusals.find(({ code }) => code === first);
  invariant(refusal, 'what does not cover an offer is named');
  return refusal;
}
