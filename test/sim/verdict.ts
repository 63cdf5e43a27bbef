import type { PlayerId } from '../../schema/ids.ts';
import type { Books, Entry } from './books.ts';
import type { Shards } from './database.ts';
import type { Leg } from './messages.ts';

/** Of each kind, how many violations are named. */
const NAMED_MAX = 5;
const SETTLED = JSON.stringify({ status: 'settled' });

/** What the databases have of a trade. */
interface Found {
  /** The transaction that each acceptance's command row names. */
  commands: [string?, string?];
  /** On which shards its ledger rows stand, and what they say. */
  legs: Map<number, string>;
}

export interface VerdictOptions {
  shards: Shards;
  players: readonly PlayerId[];
  placeOf: (player: PlayerId) => number;
}

export interface Verdict {
  /** They were done, and their worker died before it could say so. */
  unknownButThere: number;
  /** What does not hold. */
  violations: string[];
}

/**
 * Compares what was reported with the databases: what was acknowledged is there exactly as it was, what was refused is
 * not, what is unknown is there whole or not at all, and nothing is there that nobody asked. Everything must have ended.
 */
export async function judge(books: Books, { shards, players, placeOf }: VerdictOptions): Promise<Verdict> {
  let unknownButThere = 0;
  const violations = new Violations();
  const found = await readTrades(books, shards, players, violations);
  for (const entry of books.trades.values()) {
    const said = entry.told.said;
    const legs = entry.told.said === 'acknowledged' ? entry.told.moved : entry.legs;
    const places = new Set(entry.players.map((at) => placeOf(players[at] as PlayerId)));
    const presence = presenceOf(found.get(entry.trade), linesOf(entry, legs, players), places);
    if (said === 'acknowledged' && linesOf(entry, entry.legs, players) !== linesOf(entry, legs, players)) violations.add('acknowledged other than asked', entry.trade);
    if (presence === 'half') violations.add(`${said}, and there by half`, `${entry.trade}: ${describe(found.get(entry.trade))}, asked ${JSON.stringify(entry.legs)}`);
    if (said === 'acknowledged' && presence === 'absent') violations.add('acknowledged, and not there', entry.trade);
    if (said === 'unknown' && presence === 'whole') unknownButThere++;
    if (said === 'refused' && presence === 'whole') violations.add('refused, and there', entry.trade);
  }
  return { unknownButThere, violations: violations.lines() };
}

/** Whole is: both commands under one transaction, and exactly these postings on each shard of the two. */
function presenceOf(found: Found | undefined, lines: string, places: ReadonlySet<number>): 'whole' | 'absent' | 'half' {
  if (found === undefined) return 'absent';
  const [first, second] = found.commands;
  const exact = found.legs.size === places.size && [...places].every((shard) => found.legs.get(shard) === lines);
  return first !== undefined && first === second && exact ? 'whole' : 'half';
}

async function readTrades(books: Books, shards: Shards, players: readonly PlayerId[], violations: Violations): Promise<Map<string, Found>> {
  const asked = new Map([...books.trades.values()].flatMap((entry) => entry.commands.map((id, side) => [id, { entry, side }] as const)));
  const found = new Map<string, Found>();
  const byTransaction = new Map<string, Found>();
  for (const { pool } of shards) {
    const { rows } = await pool.query<{ actor: string; id: string; answer: unknown; tx: string }>(
      `select actor, id, answer, transaction_id as tx from command where actor in (select id from player)`,
    );
    for (const { actor, id, answer, tx } of rows) {
      const { entry, side = 0 } = asked.get(id) ?? {};
      if (entry === undefined || players[entry.players[side] ?? -1] !== actor) {
        violations.add('a command that nobody asked', `${actor} ${id}`);
        continue;
      }
      if (JSON.stringify(answer) !== SETTLED) violations.add('another answer than was given', `${id}: ${JSON.stringify(answer)}`);
      const trade = found.get(entry.trade) ?? { commands: [], legs: new Map() };
      if (trade.commands[side] !== undefined) violations.add('a command that is there twice', id);
      trade.commands[side] = tx;
      found.set(entry.trade, trade);
      byTransaction.set(tx, trade);
    }
  }
  await readLegs(shards, byTransaction, violations);
  return found;
}

async function readLegs(shards: Shards, byTransaction: ReadonlyMap<string, Found>, violations: Violations): Promise<void> {
  for (const { index, pool } of shards) {
    const { rows } = await pool.query<{ tx: string; legs: string }>(
      `select transaction_id as tx, string_agg(concat_ws(' ', giver, receiver, coalesce(asset, item::text), quantity), E'\\n') as legs
       from ledger where reason = 'trade' group by 1`,
    );
    for (const { tx, legs } of rows) {
      const trade = byTransaction.get(tx);
      if (trade === undefined) violations.add('postings without a command', `${tx} on shard ${index}`);
      else trade.legs.set(index, sorted(legs.split('\n')));
    }
  }
}

/** The legs as the ledger has them, in an order of their own. */
function linesOf({ players: pair }: Entry, legs: readonly Leg[], players: readonly PlayerId[]): string {
  return sorted(legs.map(([giver, thing, quantity]) => [players[pair[giver]], players[pair[1 - giver] ?? -1], thing, quantity].join(' ')));
}

const sorted = (lines: string[]): string => lines.toSorted().join('\n');

function describe(found: Found | undefined): string {
  return JSON.stringify({ commands: found?.commands, legs: [...(found?.legs ?? [])] });
}

/** Counts per kind, with the first few by name. */
class Violations {
  readonly #kinds = new Map<string, { count: number; named: string[] }>();

  add(kind: string, what: string): void {
    const known = this.#kinds.get(kind) ?? { count: 0, named: [] };
    known.count++;
    if (known.named.length < NAMED_MAX) known.named.push(what);
    this.#kinds.set(kind, known);
  }

  lines(): string[] {
    return [...this.#kinds].map(([kind, { count, named }]) => `${count} × ${kind}: ${named.join('; ')}`);
  }
}
