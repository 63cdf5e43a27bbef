import type { CommandId } from '../../schema/ids.ts';
import type { AcceptAnswer } from '../../schema/messages/trade.ts';
import type { RefusalReply } from '../../schema/refusals.ts';
import type { TradeState } from '../../schema/states/trade-state.ts';
import { cell, newCommandId, Refused, sleep, type Cell, type LinkStatus, type RoomLink } from '../client/index.ts';
import type { ClientSession } from './client-session.ts';
import { OfferDraft } from './offer-draft.ts';
import { isEmptyOffer, readTrade, type TradeView } from './trade-view.ts';

/** How a trade ended. `unknown`: its room is gone and nobody could say; the inventory is the truth. */
export interface TradeEnding {
  outcome: 'settled' | 'cancelled' | 'unknown';
  reason: string;
  /** The table as it was last seen. */
  view: TradeView | undefined;
}

/** Longer than the server takes to recover a trade that was caught in the middle. */
const CONCLUDE_ATTEMPTS = 4;
/** The draft sends the newest again. */
const OFFER_MS = 15_000;

/** One trade, from joining its room to its end; it outlives dropped connections and a closed window. */
export class TradeSession {
  readonly tradeId: string;
  readonly partnerName: string;
  readonly view: Cell<TradeView | undefined> = cell<TradeView | undefined>(undefined);
  readonly ending: Cell<TradeEnding | undefined> = cell<TradeEnding | undefined>(undefined);
  readonly draft: OfferDraft;
  readonly #session: ClientSession;
  readonly #link: RoomLink<'trade'>;
  /** Of our last acceptance: the room shows both of us the code, and tells the details to who was refused. */
  refusal: RefusalReply | undefined;
  #accepting: CommandId | undefined;
  #callingOff = false;
  #awaited: boolean;

  constructor(options: { session: ClientSession; tradeId: string; partnerName: string; asked: boolean; refused: (refusal: Refused) => void }) {
    this.tradeId = options.tradeId;
    this.partnerName = options.partnerName;
    this.#session = options.session;
    this.#awaited = options.asked;
    this.#link = options.session.trade(options.tradeId);
    this.#link.onState((state) => this.#read(state));
    this.draft = new OfferDraft({
      send: async (offer) => (await this.#link.request('trade:offer', { items: [...offer.items], fungibles: { ...offer.fungibles } }, { deadlineMs: OFFER_MS })).revision,
      refused: options.refused,
    });
    this.#link.status.watch((status) => void this.#linkMoved(status));
  }

  get status(): Cell<LinkStatus> {
    return this.#link.status;
  }

  /** The partner's name as the room says it, or as it was known before they joined. */
  get theirName(): string {
    return this.view.get()?.theirs?.name || this.partnerName;
  }

  /** True while the one who was asked has not moved yet; the room does not say who has come. */
  get awaited(): boolean {
    return this.#awaited;
  }

  /** True while what the screen shows is what the server has: only then can it be accepted. */
  get inStep(): boolean {
    const view = this.view.get();
    return view !== undefined && !this.draft.pending.get() && view.revision >= this.draft.revision;
  }

  /**
   * Accepts the table as it was at `revision`.
   * @throws {Refused} TRADE_STALE where it changed meanwhile, and the rest of the trade's refusals
   */
  async accept(revision: number): Promise<AcceptAnswer> {
    const commandId = newCommandId();
    this.#accepting = commandId;
    this.refusal = undefined;
    try {
      return await this.#link.request('trade:accept', { commandId, revision });
    } catch (error) {
      if (error instanceof Refused) this.refusal = error.reply;
      throw error;
    }
  }

  /** Takes the whole trade off the table, for both. */
  async cancel(): Promise<void> {
    // Never joined: there is nothing of ours on any table.
    if (this.view.get() === undefined) return this.#end('cancelled', 'mine');
    this.#callingOff = true;
    try {
      await this.#link.request('trade:cancel', {});
    } catch (error) {
      this.#callingOff = false;
      throw error;
    }
  }

  close(): void {
    this.draft.close();
    this.#link.close();
  }

  #read(state: TradeState): void {
    const playerId = this.#session.player.get()?.playerId;
    const view = playerId === undefined ? undefined : readTrade(state, playerId);
    if (!view || this.ending.get()) return;
    if (view.mine) {
      const shown = { items: [...view.mine.items.keys()], fungibles: Object.fromEntries(view.mine.fungibles) };
      this.draft.follow(shown, view.revision);
    }
    if (view.theirs && (view.theirs.accepted || !isEmptyOffer(view.theirs))) this.#awaited = false;
    this.view.set(view);
    if (view.phase === 'settled') this.#end('settled', '');
    if (view.phase === 'cancelled') this.#end('cancelled', this.#callingOff ? 'mine' : view.reason);
  }

  #end(outcome: TradeEnding['outcome'], reason: string): void {
    if (this.ending.get()) return;
    this.ending.set({ outcome, reason, view: this.view.get() });
    this.close();
  }

  async #linkMoved(status: LinkStatus): Promise<void> {
    if (this.ending.get()) return;
    if (status.kind === 'live') this.draft.resume();
    if (status.kind === 'gone' || status.kind === 'lost') await this.#conclude();
  }

  /**
   * The room is gone without having told the end (its process was killed, or the window passed). What was accepted may
   * still have been settled, and may be recovering: it is asked for some seconds before anything is said.
   */
  async #conclude(): Promise<void> {
    if (this.#accepting === undefined) return this.#end('cancelled', 'closed');
    let heard = false;
    for (let attempt = 0; attempt < CONCLUDE_ATTEMPTS && !this.ending.get(); attempt++) {
      if (attempt > 0) await sleep(2000);
      try {
        const found = await this.#session.outcome(this.#accepting);
        if (found.known && found.answer.status === 'settled') return this.#end('settled', '');
        heard = true;
      } catch {
        heard = false;
      }
    }
    this.#end(heard ? 'cancelled' : 'unknown', 'closed');
  }
}
