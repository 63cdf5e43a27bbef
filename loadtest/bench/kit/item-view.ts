import type { Holdings } from '../../../schema/holdings.ts';
import type { ItemId, PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import { pick, type Random } from './holdings.ts';

export interface SeenItem {
  id: ItemId;
  version: number;
}

/** Who holds which item at which version, as a loop that makes all the changes itself knows it in memory. */
export class ItemView {
  readonly #held: Map<PlayerId, SeenItem[]>;

  constructor(goods: ReadonlyMap<PlayerId, Holdings>) {
    this.#held = new Map([...goods].map(([player, { items }]) => [player, items.map(({ id, version }) => ({ id, version }))]));
  }

  /** Any item of the player's; nothing when there is none. */
  any(player: PlayerId, random: Random): SeenItem | undefined {
    const held = this.#held.get(player) ?? [];
    return held.length === 0 ? undefined : pick(random, held);
  }

  /** The item as the player holds it now; nothing when it went. */
  find(player: PlayerId, id: ItemId): SeenItem | undefined {
    return this.#held.get(player)?.find((item) => item.id === id);
  }

  /** It changed hands, and its version rose. */
  moved({ id, version }: SeenItem, giver: PlayerId, receiver: PlayerId): void {
    const held = this.#held.get(giver) ?? [];
    const place = held.findIndex((item) => item.id === id && item.version === version);
    invariant(place >= 0, 'who gives an item held it');
    held.splice(place, 1);
    this.#held.get(receiver)?.push({ id, version: version + 1 });
  }
}
