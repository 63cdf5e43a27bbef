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
  acceptedBy: readonly CommandId[];
}

/**
 * The window's rules: pure, with no clock and no I/O. [TR1] … [TR6]
 *
 * Any change raises the revision and clears both acceptances, so that an acceptance is always of what was seen.
 */
export class TradeWindow {
  readonly players: readonly [PlayerId, PlayerId];
  /** In the order of the players. */
  readonly #sides: readonly [Side, Side];
  phase: TradePhase = 'open';
  revision = 0;
  reason = '';
  #abandoned = false;

  constructor(players: readonly [PlayerId, PlayerId]) {
    if (players[0] === players[1]) throw new Refusal('TRADE_SELF');
    this.players = players;
    this.#sides = [emptySide(), emptySide()];
  }

  /** @throws {Refusal} TRADE_NOT_FOUND for anyone but the two */
  side(player: PlayerId): Side {
    return this.#sides[this.#placeOf(player)];
  }

  partnerOf(player: PlayerId): PlayerId {
    return this.players[otherOf(this.#placeOf(player))];
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
    const place = this.#placeOf(player);
    const side = this.#sides[place];
    this.mustBeOpen();
    if (revision !== this.revision) throw new Refusal('TRADE_STALE', { revision: this.revision });
    if (this.#sides.every(isEmpty)) throw new Refusal('BAD_REQUEST', { reason: 'both sides are empty' });
    if (!side.acceptedBy.includes(command)) side.acceptedBy = [...side.acceptedBy, command];
    if (this.#sides[otherOf(place)].acceptedBy.length === 0) return 'waiting';
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
    for (const side of this.#sides) side.items = side.items.map((shown) => (shown.id === item.id ? item : shown));
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

  #placeOf(player: PlayerId): Place {
    if (player === this.players[0]) return 0;
    if (player === this.players[1]) return 1;
    throw new Refusal('TRADE_NOT_FOUND');
  }

  #changed(): number {
    for (const side of this.#sides) side.acceptedBy = [];
    return ++this.revision;
  }
}

/** Which of the two. */
type Place = 0 | 1;

const otherOf = (place: Place): Place => (place === 0 ? 1 : 0);

const emptySide = (): Side => ({ items: [], fungibles: {}, acceptedBy: [] });

function isEmpty(side: Side): boolean {
  return side.items.length === 0 && Object.keys(side.fungibles).length === 0;
}
