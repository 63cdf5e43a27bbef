import type { CommandId, ItemId, PlayerId } from '../../schema/ids.ts';
import { invariant } from '../../schema/invariant.ts';
import type { Attributes } from '../../schema/quantities.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { TradePhase } from '../../schema/states/trade-state.ts';

/** An item as the window shows it. What is settled is this, or nothing. */
export interface OfferedItem {
  id: ItemId;
  kind: string;
  version: number;
  attributes: Attributes;
}

export interface Side {
  items: OfferedItem[];
  fungibles: Record<string, number>;
  /** The commands that accepted the present revision; empty while it is not accepted. */
  acceptedBy: CommandId[];
}

/**
 * The window's rules: pure, with no clock and no I/O. [TR1] … [TR6]
 *
 * Any change raises the revision and clears both acceptances, so that an acceptance is always of what was seen.
 */
export class TradeWindow {
  readonly players: readonly [PlayerId, PlayerId];
  readonly #sides: ReadonlyMap<PlayerId, Side>;
  phase: TradePhase = 'open';
  revision = 0;
  reason = '';
  #abandoned = false;

  constructor(players: readonly [PlayerId, PlayerId]) {
    if (players[0] === players[1]) throw new Refusal('TRADE_SELF');
    this.players = players;
    this.#sides = new Map(players.map((player) => [player, { items: [], fungibles: {}, acceptedBy: [] }]));
  }

  /** @throws {Refusal} TRADE_NOT_FOUND for anyone but the two */
  side(player: PlayerId): Side {
    const side = this.#sides.get(player);
    if (side === undefined) throw new Refusal('TRADE_NOT_FOUND');
    return side;
  }

  partnerOf(player: PlayerId): PlayerId {
    this.side(player);
    const partner = this.players.find((other) => other !== player);
    invariant(partner, 'a trade has two sides');
    return partner;
  }

  /** Replaces one's own side. @throws {Refusal} TRADE_NOT_FOUND, TRADE_CLOSED */
  offer(player: PlayerId, items: OfferedItem[], fungibles: Record<string, number>): number {
    const side = this.side(player);
    this.mustBeOpen();
    Object.assign(side, { items, fungibles });
    return this.#changed();
  }

  /**
   * Accepts what was seen. @throws {Refusal} TRADE_NOT_FOUND, TRADE_CLOSED, TRADE_STALE, BAD_REQUEST for an empty trade
   * @returns whether both have now accepted the same revision; then the phase is `settling`
   */
  accept(player: PlayerId, revision: number, command: CommandId): 'waiting' | 'both' {
    const side = this.side(player);
    this.mustBeOpen();
    if (revision !== this.revision) throw new Refusal('TRADE_STALE', { revision: this.revision });
    if ([...this.#sides.values()].every(isEmpty)) throw new Refusal('BAD_REQUEST', { reason: 'both sides are empty' });
    if (!side.acceptedBy.includes(command)) side.acceptedBy.push(command);
    if (this.side(this.partnerOf(player)).acceptedBy.length === 0) return 'waiting';
    this.phase = 'settling';
    return 'both';
  }

  /** @throws {Refusal} TRADE_CLOSED once it settles */
  cancel(reason: string): void {
    this.mustBeOpen();
    this.phase = 'cancelled';
    this.reason = reason;
  }

  settled(): void {
    invariant(this.phase === 'settling', 'only a settling trade is settled');
    this.phase = 'settled';
  }

  /** The settlement was refused: nothing moved, both look again. */
  reopen(reason: string): void {
    invariant(this.phase === 'settling', 'only a settling trade is opened again');
    this.phase = 'open';
    this.reason = reason;
    this.#changed();
  }

  /** Whether it settled could not be found out: it stays shut and is over, and only the database knows. */
  abandon(reason: string): void {
    invariant(this.phase === 'settling', 'only a settling trade is abandoned');
    this.#abandoned = true;
    this.reason = reason;
    this.#changed();
  }

  /** What the item is now, shown in place of what it was. */
  showItem(item: OfferedItem): void {
    for (const side of this.#sides.values()) side.items = side.items.map((shown) => (shown.id === item.id ? item : shown));
  }

  get isAbandoned(): boolean {
    return this.#abandoned;
  }

  get isOver(): boolean {
    return this.phase === 'settled' || this.phase === 'cancelled' || this.#abandoned;
  }

  mustBeOpen(): void {
    if (this.phase !== 'open') throw new Refusal('TRADE_CLOSED', { phase: this.phase });
  }

  #changed(): number {
    for (const side of this.#sides.values()) side.acceptedBy = [];
    return ++this.revision;
  }
}

function isEmpty(side: Side): boolean {
  return side.items.length === 0 && Object.keys(side.fungibles).length === 0;
}
