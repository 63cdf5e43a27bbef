import { AnswerLost, cell, readFailure, sleep, type Cell, type Refused } from '../client/index.ts';

/** One side of a trade as `trade:offer` takes it: the whole side, each time. */
export interface Offer {
  items: readonly string[];
  fungibles: Readonly<Record<string, number>>;
}

export interface OfferDraftOptions {
  /** Sends a whole side and answers the revision that it made. */
  send: (offer: Offer) => Promise<number>;
  /** The server said no to what the player wanted last; the draft has gone back to what stands. */
  refused: (refusal: Refused) => void;
  debounceMs?: number;
  retryMs?: number;
}

export const NOTHING: Offer = { items: [], fungibles: {} };
const RETRIES_MAX = 40;

/**
 * The player's own side while it is being edited. Edits show at once, are sent a moment later in one message, one at a
 * time, and the last one always arrives: a lost answer is sent again, which is safe because an offer is absolute.
 */
export class OfferDraft {
  /** What the player wants to offer. */
  readonly offer: Cell<Offer> = cell<Offer>(NOTHING);
  /** True while the server has not confirmed exactly that. */
  readonly pending: Cell<boolean> = cell(false);
  readonly #options: Required<OfferDraftOptions>;
  #standing: Offer = NOTHING;
  #revision = 0;
  #running = false;
  #closed = false;

  constructor(options: OfferDraftOptions) {
    this.#options = { debounceMs: 200, retryMs: 600, ...options };
  }

  /** The revision that the newest confirmed offer made: an older state does not show it yet. */
  get revision(): number {
    return this.#revision;
  }

  change(edit: (offer: Offer) => Offer): void {
    this.offer.set(edit(this.offer.get()));
    this.pending.set(!sameOffer(this.offer.get(), this.#standing));
    this.resume();
  }

  /** Takes over what the server shows, unless the player has something newer on its way. */
  follow(shown: Offer, revision: number): void {
    if (this.#running || this.pending.get() || revision < this.#revision) return;
    this.#revision = revision;
    if (sameOffer(shown, this.#standing)) return;
    this.#standing = shown;
    this.offer.set(shown);
  }

  /** Goes on sending where it had given up; for when the connection is back. */
  resume(): void {
    if (this.pending.get()) void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await sleep(this.#options.debounceMs);
    for (let retries = 0; !this.#closed && retries < RETRIES_MAX && this.pending.get(); ) {
      const sent = this.offer.get();
      try {
        this.#revision = await this.#options.send(sent);
        this.#standing = sent;
        retries = 0;
      } catch (error) {
        const failure = readFailure(error);
        if (failure instanceof AnswerLost || failure.code === 'BUSY' || failure.code === 'RATE_LIMITED') {
          retries++;
          await sleep(this.#options.retryMs);
        } else if (this.offer.get() === sent) {
          this.offer.set(this.#standing);
          if (!this.#closed) this.#options.refused(failure);
        }
      }
      this.pending.set(!sameOffer(this.offer.get(), this.#standing));
    }
    this.#running = false;
  }
}

export function withItem(offer: Offer, id: string): Offer {
  return offer.items.includes(id) ? offer : { ...offer, items: [...offer.items, id] };
}

export function withoutItem(offer: Offer, id: string): Offer {
  return { ...offer, items: offer.items.filter((item) => item !== id) };
}

/** A quantity of zero takes the asset off the table. */
export function withQuantity(offer: Offer, asset: string, quantity: number): Offer {
  const { [asset]: _, ...rest } = offer.fungibles;
  return { ...offer, fungibles: quantity > 0 ? { ...rest, [asset]: quantity } : rest };
}

/** An offer without what is not held any more; the same object where nothing is missing. */
export function withinHeld(offer: Offer, held: { items: ReadonlyMap<string, unknown>; fungibles: ReadonlyMap<string, number> }): Offer {
  const items = offer.items.filter((id) => held.items.has(id));
  const counts = Object.entries(offer.fungibles).map(([asset, quantity]) => [asset, Math.min(quantity, held.fungibles.get(asset) ?? 0)] as const);
  const within = { items, fungibles: Object.fromEntries(counts.filter(([, quantity]) => quantity > 0)) };
  return sameOffer(within, offer) ? offer : within;
}

export function sameOffer(a: Offer, b: Offer): boolean {
  const assets = Object.keys(a.fungibles);
  return (
    a.items.length === b.items.length &&
    a.items.every((id) => b.items.includes(id)) &&
    assets.length === Object.keys(b.fungibles).length &&
    assets.every((asset) => a.fungibles[asset] === b.fungibles[asset])
  );
}
