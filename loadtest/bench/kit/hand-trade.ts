import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { newId } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import { invariant } from '../../../schema/invariant.ts';
import type { Random } from './holdings.ts';
import type { ItemView, SeenItem } from './item-view.ts';
import type { HandStatements } from './trade-ceiling-statements.ts';

/** As long as a command's hash is. */
const HASH = Buffer.alloc(32, 7);

/** An item of the first against an item of the second; the first adds a gold. */
export interface HandTrade {
  id: string;
  players: readonly [PlayerId, PlayerId];
  items: readonly [SeenItem, SeenItem];
}

export function anyTrade(view: ItemView, players: readonly [PlayerId, PlayerId], random: Random): HandTrade {
  const [given, taken] = [view.any(players[0], random), view.any(players[1], random)];
  invariant(given && taken, 'item against item leaves everybody as many');
  return { id: newId(), players, items: [given, taken] };
}

/**
 * One transaction over all of them, of whom none shares a player: four statements, of which each waits for the one before, or two at a time.
 * @returns the trades that happened, by their place
 */
export async function settleByHand(client: PoolClient, { lock, act, tables }: HandStatements, view: ItemView, trades: readonly HandTrade[], together = false): Promise<Set<number>> {
  const [givers, takers] = [trades.map(({ players }) => players[0]), trades.map(({ players }) => players[1])];
  const moves = trades.flatMap(({ players: [a, b], items: [given, taken] }, ix) => [{ ix, item: given, giver: a, receiver: b }, { ix, item: taken, giver: b, receiver: a }]);
  const begun = client.query('begin');
  if (!together) await begun;
  const locked = client.query({ ...lock, values: [[...givers, ...takers]] });
  await Promise.all([begun, locked]);
  const acted = client.query<{ ix: number }>({
    ...act,
    values: [
      trades.map((_, ix) => ix), trades.map(({ id }) => id), givers, takers,
      moves.map(({ ix }) => ix), moves.map(({ item }) => item.id), moves.map(({ giver }) => giver), moves.map(({ receiver }) => receiver), moves.map(({ item }) => item.version),
      trades.map(() => 'gold'), trades.map(() => 1),
      ...(tables === undefined ? [trades.map(() => randomUUID()), trades.map(() => randomUUID()), HASH] : []),
    ],
  });
  if (!together) await acted;
  const [{ rows }] = await Promise.all([acted, client.query('commit')]);
  const done = new Set(rows.map(({ ix }) => ix));
  for (const { ix, item, giver, receiver } of moves) if (done.has(ix)) view.moved(item, giver, receiver);
  return done;
}
