interface KeptSeat {
  reconnectionToken: string;
  /** The end of the sign-in token: a seat is not for whoever signed in meanwhile. */
  owner: string;
}

/** Where seats are kept while nobody runs, as a browser's `sessionStorage` does over a reload of the tab. */
export interface SeatStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const OWNER_LENGTH = 24;

/**
 * Seats that outlive the client: the server keeps them for its reconnection window, and taking one again is no new
 * session, which would close a trade. A seat is given out once.
 */
export class KeptSeats {
  readonly #storage: SeatStorage;
  readonly #keyOf: (name: string) => string;

  constructor(storage: SeatStorage, keyOf: (name: string) => string = (name) => `seat:${name}`) {
    this.#storage = storage;
    this.#keyOf = keyOf;
  }

  put(name: string, reconnectionToken: string, token: string): void {
    this.#storage.setItem(this.#keyOf(name), JSON.stringify({ reconnectionToken, owner: token.slice(-OWNER_LENGTH) } satisfies KeptSeat));
  }

  /** @returns its reconnection token, when the seat was the owner's of this sign-in token */
  take(name: string, token: string): string | undefined {
    const kept = this.#storage.getItem(this.#keyOf(name));
    this.#storage.removeItem(this.#keyOf(name));
    const seat = kept === null ? undefined : (JSON.parse(kept) as KeptSeat);
    return seat?.owner === token.slice(-OWNER_LENGTH) ? seat.reconnectionToken : undefined;
  }
}
