import type { GuildId } from '../../schema/ids.ts';
import { invariant } from '../../schema/invariant.ts';
import { arrayLiteral, columnsOf, type ArrayElement } from '../array-literal.ts';
import type { Statement, ShardTransaction } from '../shard-transaction.ts';
import type { Transaction } from '../transaction.ts';
import { FORGET_INVITATIONS, FORGET_NAMES, REMOVE_MEMBERS, WRITE_FORESEEN_GUILDS, WRITE_GUILDS, WRITE_INVITATIONS, WRITE_MEMBERSHIPS, WRITE_PLAIN_COMMANDS } from './flush-statements.ts';
import type { GuildChange, GuildDecision, GuildFlush, GuildLogLine, GuildRow } from './flush.ts';

/** A player keeps the newest so many invitations. */
export const INVITATIONS_MAX = 50;

/** What was decided for a flush, and on what. */
export interface DecidedFlush {
  flush: GuildFlush;
  guild: GuildRow | undefined;
  decision: GuildDecision;
}

type Changed = { id: GuildId; guild: GuildRow; change: GuildChange };

/** Writes what flushes decided beside the value that they move: in the same transaction, each part where it lives. */
export async function writeFlushes(transaction: Transaction, decided: readonly DecidedFlush[]): Promise<void> {
  const changed = decided.flatMap(({ flush, guild, decision: { change } }): Changed[] => (guild === undefined || change === undefined ? [] : [{ id: flush.guildId, guild, change }]));
  const plain = decided.flatMap(({ decision }) => decision.plain);
  await Promise.all(
    transaction.parts.map(async (part) => {
      const here = (key: string) => transaction.shardOf(key) === part.shard.index;
      await Promise.all([
        ...writeGuilds(part, changed.filter(({ id }) => here(id))),
        ...writePlayers(part, changed, here),
        ...decided.flatMap(({ flush, decision }) => (decision.change?.disbanded ? [run(part, FORGET_NAMES, [flush.names.filter(here), flush.guildId])] : [])),
        each(part, WRITE_PLAIN_COMMANDS, plain.filter(({ actor }) => here(actor)).map(({ actor, id, hash, answer }) => [actor, id, hash.toString('hex'), JSON.stringify(answer)])),
      ]);
    }),
  );
}

/** One after the other on the connection, without waiting. */
function writeGuilds(part: ShardTransaction, changed: readonly Changed[]): Promise<unknown>[] {
  if (changed.length === 0) return [];
  const of = <Row>(pick: (change: GuildChange) => readonly Row[]) => changed.flatMap(({ id, change }) => pick(change).map((row) => [id, row] as const));
  const removed = of(({ members }) => members.removed);
  const demoted = of(({ members }) => members.set.filter(({ rank }) => rank !== 'leader'));
  const set = of(({ members }) => members.set);
  const taken = of((change) => change.taken);
  // Their rows are locked: what they have logged is what was read.
  const lines = changed.flatMap(({ id, guild, change }) => change.log.map((line, at) => [id, guild.logged + at + 1, line] as const));
  const details = detailsOf(lines.map(([, , line]) => line));
  return [
    ...(removed.length + demoted.length > 0
      ? [run(part, REMOVE_MEMBERS, [removed.map(([id]) => id), removed.map(([, player]) => player), demoted.map(([id]) => id), demoted.map(([, { playerId }]) => playerId)])]
      : []),
    run(part, WRITE_GUILDS, [
      changed.map(({ id }) => id), changed.map(({ change }) => change.log.length), changed.map(({ change }) => change.motd), changed.map(({ change }) => change.disbanded),
      set.map(([id]) => id), set.map(([, { playerId }]) => playerId), set.map(([, { rank }]) => rank),
      taken.map(([id]) => id), taken.map(([, { playerId }]) => playerId), taken.map(([, row]) => JSON.stringify(row.taken)),
      lines.map(([id]) => id), lines.map(([, seq]) => seq), lines.map(([, , { event }]) => event), lines.map(([, , { actor }]) => actor), lines.map(([, , { actorName }]) => actorName),
      lines.map(([, , { subject }]) => subject), lines.map(([, , { subjectName }]) => subjectName), details.places, details.texts,
    ]),
  ];
}

/** What lines say: many of a flush say the same. */
function detailsOf(lines: readonly GuildLogLine[]): { texts: string[]; places: number[] } {
  const texts = new Map<string, number>();
  const places = lines.map(({ details }) => {
    const text = JSON.stringify(details);
    const place = texts.get(text) ?? texts.size + 1;
    texts.set(text, place);
    return place;
  });
  return { texts: [...texts.keys()], places };
}

/**
 * Writes the lines of flushes that change nothing else beside their value, and fails unless their guilds are as was foreseen. One shard's.
 * @returns when the transaction began, as `GuildRow.now`
 */
export async function writeForeseen(part: ShardTransaction, decided: readonly { guild: GuildRow; log: readonly GuildLogLine[] }[]): Promise<number> {
  const lines = decided.flatMap(({ guild, log }) => log.map((line, at) => ({ guild: guild.id, seq: guild.logged + at + 1, line })));
  const details = detailsOf(lines.map(({ line }) => line));
  const [row] = await part.query<{ now: number }>(WRITE_FORESEEN_GUILDS, [
    decided.map(({ guild }) => guild.id), decided.map(({ log }) => log.length), decided.map(({ guild }) => guild.version), decided.map(({ guild }) => guild.logged),
    lines.map(({ guild }) => guild), lines.map(({ seq }) => seq), lines.map(({ line }) => line.event), lines.map(({ line }) => line.actor), lines.map(({ line }) => line.actorName), details.places, details.texts,
  ].map(arrayLiteral));
  invariant(row, 'what is written is answered');
  return row.now;
}

function writePlayers(part: ShardTransaction, changed: readonly Changed[], here: (key: string) => boolean): Promise<unknown>[] {
  const memberships = changed.flatMap(({ id, change }) => [...change.joined.map((player) => [player, id] as const), ...change.left.map((player) => [player, null] as const)]);
  const invited = changed.flatMap(({ id, guild, change }) => change.invited.map(({ playerId, inviter }) => [playerId, id, guild.name, guild.tag, inviter] as const));
  const accepted = changed.flatMap(({ id, change }) => change.accepted.map((player) => [player, id] as const));
  return [
    each(part, WRITE_MEMBERSHIPS, memberships.filter(([player]) => here(player))),
    each(part, WRITE_INVITATIONS, invited.filter(([player]) => here(player)), [INVITATIONS_MAX]),
    each(part, FORGET_INVITATIONS, accepted.filter(([player]) => here(player))),
  ];
}

type Parameter = ArrayElement | readonly ArrayElement[];

function run(part: ShardTransaction, statement: Statement, values: readonly Parameter[]): Promise<unknown> {
  return part.query(statement, values.map((value) => (Array.isArray(value) ? arrayLiteral(value as readonly ArrayElement[]) : value)));
}

/** Runs a statement whose first parameters are the columns of `rows`, unless there are none. */
async function each(part: ShardTransaction, statement: Statement, rows: readonly (readonly ArrayElement[])[], more: readonly ArrayElement[] = []): Promise<void> {
  if (rows.length > 0) await part.query(statement, [...columnsOf(rows), ...more]);
}
