import { v7 as uuidv7 } from 'uuid';
import type { Holdings, Item } from '../../schema/holdings.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { diffHoldings, type InventoryDelta } from '../../schema/inventory-delta.ts';
import type { Bench, BenchResult, Target } from './kit/bench.ts';
import { ASSETS, newHoldings, newItem, pick, seededRandom, whole, type Random } from './kit/holdings.ts';
import { median } from './kit/measure.ts';
import { PlayerWire } from './kit/player-wire.ts';

const ITEMS = 100;
const PLAYERS_PER_ROUND = 40;

const share = (value: number): Target[] => [{ of: 'ratio', bound: 'at most', value }];

/** One change of a player's holdings, and what part of a JSON diff its patch may cost. */
interface Change {
  what: string;
  apply(before: Holdings, random: Random): Holdings;
  diffShareMax?: number;
}

const CHANGES: readonly Change[] = [
  { what: 'one stack changed', diffShareMax: 0.2, apply: (before, random) => counted(before, pick(random, ASSETS), whole(random, 1, 5)) },
  { what: 'one item added', apply: (before, random) => traded(before, [], [newItem(random)]) },
  { what: 'one item removed', apply: (before, random) => traded(before, [pick(random, before.items)], []) },
  {
    what: 'trade of 3 items for 3', diffShareMax: 0.5,
    apply: (before, random) => traded(before, someOf(before.items, 3, random), [newItem(random), newItem(random), newItem(random)]),
  },
  {
    what: 'trade of 2 items and gold for 2 items and ore', diffShareMax: 0.5,
    apply: (before, random) => counted(counted(traded(before, someOf(before.items, 2, random), [newItem(random), newItem(random)]), 'gold', -1), 'ore', 20),
  },
];

/** What a room sends when holdings change, against sending them whole as JSON and against a JSON diff. */
export const delta: Bench = {
  name: 'delta',
  title: `Bytes to tell a player with ${ITEMS} items of a change: Colyseus patch against JSON (medians over players)`,
  async run({ rounds }) {
    const random = seededRandom(1);
    const players = Array.from({ length: rounds * PLAYERS_PER_ROUND }, () => ({ id: uuidv7() as PlayerId, holdings: newHoldings(random, ITEMS) }));
    const fullJson = median(players.map(({ holdings }) => jsonBytes(holdings)));
    const fullState = median(players.map(({ id, holdings }) => new PlayerWire(id, holdings).fullBytes()));
    const results: BenchResult[] = [{ what: 'full state against full JSON', ours: fullState, ceiling: fullJson, unit: 'bytes' }];
    for (const { what, apply, diffShareMax } of CHANGES) {
      const costs = players.map(({ id, holdings }) => {
        const change = diffHoldings(id, holdings, { ...apply(holdings, random), version: holdings.version + 1 });
        return { patch: new PlayerWire(id, holdings).patchBytes(change), diff: jsonBytes(jsonDiff(holdings, change)) };
      });
      const patch = median(costs.map((cost) => cost.patch));
      results.push({ what: `${what}, against full JSON`, ours: patch, ceiling: fullJson, unit: 'bytes', targets: share(0.02) });
      results.push({ what: `${what}, against JSON diff`, ours: patch, ceiling: median(costs.map((cost) => cost.diff)), unit: 'bytes', ...(diffShareMax !== undefined && { targets: share(diffShareMax) }) });
      if (what !== 'one stack changed') continue;
      const worst = costs.toSorted((a, b) => b.patch - a.patch)[0] ?? { patch: Number.NaN, diff: Number.NaN };
      results.push({ what: `${what}, with its version, the largest of all`, ours: worst.patch, ceiling: worst.diff, unit: 'bytes', targets: [{ of: 'ours', bound: 'at most', value: 12 }] });
    }
    return results;
  },
};

function counted(before: Holdings, asset: string, more: number): Holdings {
  return { ...before, fungibles: { ...before.fungibles, [asset]: (before.fungibles[asset] ?? 0) + more } };
}

function traded(before: Holdings, given: readonly Item[], taken: readonly Item[]): Holdings {
  return { ...before, items: [...before.items.filter((item) => !given.includes(item)), ...taken] };
}

function someOf(items: readonly Item[], count: number, random: Random): Item[] {
  const chosen = new Set<Item>();
  while (chosen.size < count) chosen.add(pick(random, items));
  return [...chosen];
}

/** The diff that a game without a binary state would send: whole things, ids of gone ones, and the version. */
function jsonDiff(before: Holdings, { version, set, removed }: InventoryDelta): unknown {
  const held = new Set<string>([...Object.keys(before.fungibles), ...before.items.map(({ id }) => id)]);
  const things = [
    ...Object.entries(set.fungibles).map(([asset, quantity]) => ({ key: asset, value: { asset, quantity } })),
    ...set.items.map((item) => ({ key: item.id, value: item })),
  ];
  const valuesOf = (isHeld: boolean) => things.filter(({ key }) => held.has(key) === isHeld).map(({ value }) => value);
  return { version, added: valuesOf(false), removed: [...removed.fungibles, ...removed.items], updated: valuesOf(true) };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
