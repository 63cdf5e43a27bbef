import { v7 as uuidv7 } from 'uuid';
import type { Holdings, Item } from '../../../schema/holdings.ts';
import type { ItemId } from '../../../schema/ids.ts';
import type { Attributes } from '../../../schema/quantities.ts';

/** A number from 0 up to, not including, 1. */
export type Random = () => number;

/** The same numbers for the same seed (mulberry32), so that a run can be repeated. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const whole = (random: Random, min: number, max: number): number => min + Math.floor(random() * (max - min + 1));

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[whole(random, 0, values.length - 1)] as Value;
}

/** The fungible assets of the shipped catalogue, each with the largest count that an ordinary player has. */
const STACKS: Record<string, number> = { gold: 9_999, ore: 500, coal: 500, wood: 500, herb: 250, fish: 250, hide: 250, gem: 60 };
export const ASSETS = Object.keys(STACKS);

/** The kinds of the shipped catalogue that can be traded, with what a studio would note of one. */
const KINDS: Record<string, (random: Random) => Attributes> = {
  sword: (random) => ({ damage: whole(random, 5, 60), durability: whole(random, 1, 100) }),
  shield: (random) => ({ armour: whole(random, 5, 60), durability: whole(random, 1, 100) }),
  bow: (random) => ({ damage: whole(random, 5, 60), range: whole(random, 8, 20) }),
  helmet: (random) => ({ armour: whole(random, 1, 20), durability: whole(random, 1, 100) }),
  amulet: (random) => ({ power: whole(random, 1, 20), element: pick(random, ['fire', 'frost', 'storm', 'earth']) }),
};

export function newItem(random: Random): Item {
  const kind = pick(random, Object.keys(KINDS));
  return { id: uuidv7() as ItemId, kind, version: whole(random, 1, 9), bound: false, attributes: KINDS[kind]?.(random) ?? {} };
}

/** A player with `size` items: a stack of every fungible asset, and unique ones for the rest. */
export function newHoldings(random: Random, size: number): Holdings {
  const fungibles = Object.fromEntries(Object.entries(STACKS).slice(0, size).map(([asset, max]) => [asset, whole(random, 1, max)]));
  const items = Array.from({ length: size - Object.keys(fungibles).length }, () => newItem(random));
  return { version: whole(random, 1, 60_000), fungibles, items };
}
