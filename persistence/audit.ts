import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { ASSET_TOTALS, COMMAND_TRANSACTIONS, CROSSING_ROWS, FINGERPRINTS, GUILD_FINGERPRINTS, ITEM_IDS, LEDGER_TRANSACTIONS, LOCAL_INVARIANTS, MEMBERS_BY_GUILDS, MEMBERS_BY_PLAYERS, SLOTS_HELD } from './audit-statements.ts';
import type { Shard } from './shard.ts';
import { SLOT_COUNT } from './slots.ts';

/** How many offenders an invariant names; the count goes on. */
const VIOLATIONS_NAMED_MAX = 20;
/** Shards are read at slightly different instants: what traffic explains is gone when it is looked at again. */
const LOOKS_MAX = 8;
const LOOK_AGAIN_MS = 250;

export interface InvariantReport {
  name: string;
  ok: boolean;
  checked: number;
  violations: string[];
}

export interface AuditReport {
  ok: boolean;
  startedAt: number;
  tookMs: number;
  invariants: InvariantReport[];
}

/**
 * Checks every invariant of the economy that the databases can answer, over all shards. [AU1]
 * Reads only. A violation counts when it is still there after 8 looks within 2 s, so that it may run under traffic.
 */
export async function auditShards(shards: readonly Shard[], lookAgainMs = LOOK_AGAIN_MS): Promise<AuditReport> {
  const startedAt = Date.now();
  for (let look = 1; ; look++) {
    const invariants = await lookOnce(shards);
    const ok = invariants.every((invariant) => invariant.ok);
    if (ok || look >= LOOKS_MAX) return { ok, startedAt, tookMs: Date.now() - startedAt, invariants };
    await delay(lookAgainMs);
  }
}

async function lookOnce(shards: readonly Shard[]): Promise<InvariantReport[]> {
  const clients = await Promise.all(shards.map((shard) => shard.pool.connect()));
  try {
    await Promise.all(clients.map((client) => client.query('begin isolation level repeatable read, read only; set local statement_timeout = 0; set local enable_seqscan = on')));
    const local: InvariantReport[] = [];
    for (const { name, sql, counted, ...rest } of LOCAL_INVARIANTS) {
      const found = await Promise.all(
        clients.map(async (client, at) => ({
          checked: (await client.query<{ checked: number }>(counted)).rows[0]?.checked ?? 0,
          violations: (await client.query<{ violation: string }>(`select violation from (${sql}) v limit ${VIOLATIONS_NAMED_MAX}`, 'placed' in rest ? [at] : [])).rows.map((row) => `shard ${at}: ${row.violation}`),
        })),
      );
      local.push(report(name, sum(found.map(({ checked }) => checked)), found.flatMap(({ violations }) => violations)));
    }
    return [...local, await conserved(clients), await mapped(clients), ...(await fingerprints(clients)), await belonging(clients), await commanded(clients)];
  } finally {
    await Promise.all(clients.map(async (client) => client.query('rollback').then(() => client.release(), () => client.release(true))));
  }
}

function report(name: string, checked: number, violations: string[]): InvariantReport {
  return { name, ok: violations.length === 0, checked, violations: violations.slice(0, VIOLATIONS_NAMED_MAX) };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

async function conserved(clients: readonly PoolClient[]): Promise<InvariantReport> {
  const totals = new Map<string, { held: bigint; minted: bigint; burned: bigint }>();
  for (const client of clients) {
    const { rows } = await client.query<{ asset: string; held: string; minted: string; burned: string }>(ASSET_TOTALS);
    for (const row of rows) {
      const total = totals.get(row.asset) ?? { held: 0n, minted: 0n, burned: 0n };
      totals.set(row.asset, { held: total.held + BigInt(row.held), minted: total.minted + BigInt(row.minted), burned: total.burned + BigInt(row.burned) });
    }
  }
  const violations = [...totals]
    .filter(([, { held, minted, burned }]) => held !== minted - burned)
    .map(([asset, { held, minted, burned }]) => `${asset}: held ${held}, minted ${minted}, burned ${burned}`);
  return report('C: every asset held is minted less burned', totals.size, violations);
}

/** Between the two commits of a flip a slot may be seen held by none or by two; it is gone when looked at again. */
async function mapped(clients: readonly PoolClient[]): Promise<InvariantReport> {
  const holders = new Map<string, number[]>();
  for (const [at, client] of clients.entries()) {
    for (const { key } of (await client.query<{ key: string }>(SLOTS_HELD, [at])).rows) holders.set(key, [...(holders.get(key) ?? []), at]);
  }
  const slots = Array.from({ length: SLOT_COUNT }, (_, slot) => String(slot));
  const violations = slots.filter((slot) => holders.get(slot)?.length !== 1).map((slot) => `slot ${slot}: held by ${holders.get(slot)?.map((shard) => `shard ${shard}`).join(' and ') ?? 'no shard'}`);
  return report('F: every slot is held by exactly one shard', SLOT_COUNT, violations);
}

interface Fingerprints {
  items: string;
  itemCount: number;
  mintsAndBurns: string;
  mintedLessBurned: number;
  crossing: string;
  crossingCount: number;
}

async function fingerprints(clients: readonly PoolClient[]): Promise<InvariantReport[]> {
  const found = (await Promise.all(clients.map((client) => client.query<Fingerprints>(FINGERPRINTS)))).flatMap(({ rows }) => rows);
  const xor = (of: (row: Fingerprints) => string) => found.reduce((folded, row) => folded ^ BigInt(of(row)), 0n);
  const items = sum(found.map(({ itemCount }) => itemCount));
  const expected = sum(found.map(({ mintedLessBurned }) => mintedLessBurned));
  const oneOwner = items === expected && xor((row) => row.items) === xor((row) => row.mintsAndBurns);
  const bothLegs = xor((row) => row.crossing) === 0n;
  return [
    report('O: every unique item is held exactly once', items, oneOwner ? [] : [`${items} items are held, ${expected} were minted and not burned`, ...(await repeated(clients, ITEM_IDS, (times) => times > 1, 'held more than once'))]),
    report('A: every posting between shards stands on both', sum(found.map(({ crossingCount }) => crossingCount)), bothLegs ? [] : await repeated(clients, CROSSING_ROWS, (times) => times !== 2, 'stands on one shard only')),
  ];
}

interface GuildFingerprints {
  members: string;
  memberships: string;
  memberCount: number;
  membershipCount: number;
  namesDue: number;
  nameCount: number;
}

/** Who is in a guild says so, and is in one; and each guild that lives has its two names. */
async function belonging(clients: readonly PoolClient[]): Promise<InvariantReport> {
  const found = (await Promise.all(clients.map((client) => client.query<GuildFingerprints>(GUILD_FINGERPRINTS)))).flatMap(({ rows }) => rows);
  const xor = (of: (row: GuildFingerprints) => string) => found.reduce((folded, row) => folded ^ BigInt(of(row)), 0n);
  const total = (of: (row: GuildFingerprints) => number) => sum(found.map(of));
  const agree = xor(({ members }) => members) === xor(({ memberships }) => memberships) && total(({ memberCount }) => memberCount) === total(({ membershipCount }) => membershipCount);
  const named = total(({ namesDue }) => namesDue) === total(({ nameCount }) => nameCount);
  return report('O: every member is in one guild, which has them', total(({ memberCount }) => memberCount), [
    ...(agree ? [] : await differing(clients)),
    ...(named ? [] : [`${total(({ nameCount }) => nameCount)} names and tags, ${total(({ namesDue }) => namesDue)} of guilds`]),
  ]);
}

async function differing(clients: readonly PoolClient[]): Promise<string[]> {
  const [guilds, players] = await Promise.all([keysOf(clients, MEMBERS_BY_GUILDS), keysOf(clients, MEMBERS_BY_PLAYERS)]);
  return [
    ...[...guilds.keys()].filter((key) => !players.has(key)).map((key) => `${key}: the player does not say so`),
    ...[...players.keys()].filter((key) => !guilds.has(key)).map((key) => `${key}: the guild does not say so`),
  ];
}

/** Every ledger transaction was asked for by a command, which is what makes a retry harmless. */
async function commanded(clients: readonly PoolClient[]): Promise<InvariantReport> {
  const [made, asked] = await Promise.all([keysOf(clients, LEDGER_TRANSACTIONS), keysOf(clients, COMMAND_TRANSACTIONS)]);
  const orphans = [...made.keys()].filter((key) => !asked.has(key));
  const hollow = [...asked.keys()].filter((key) => !made.has(key));
  return report('K: every transaction answers a command, and every command its transaction', made.size, [
    ...orphans.map((key) => `${key}: no command`),
    ...hollow.map((key) => `${key}: a command without its postings`),
  ]);
}

async function keysOf(clients: readonly PoolClient[], sql: string): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const client of clients) {
    for (const { key } of (await client.query<{ key: string }>(sql)).rows) times.set(key, (times.get(key) ?? 0) + 1);
  }
  return times;
}

async function repeated(clients: readonly PoolClient[], sql: string, wrong: (times: number) => boolean, text: string): Promise<string[]> {
  return [...(await keysOf(clients, sql))].filter(([, times]) => wrong(times)).map(([key]) => `${key}: ${text}`);
}
