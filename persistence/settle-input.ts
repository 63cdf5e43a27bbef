import type { TransactionId } from '../schema/ids.ts';
import type { CommandActor, Movement, Posting } from './movement.ts';

/** A movement with its place in the batch and the ledger's name for it. */
export interface Entry {
  ix: number;
  movement: Movement;
  transactionId: TransactionId;
}

/** Where a movement's parts are, as one shard sees it. */
export interface Locality {
  here: (key: string) => boolean;
  commandHere: (actor: CommandActor, id: string) => boolean;
}

/** How many columns the tables `p` and `c` of settle-statements.ts have. */
const POSTING_COLUMNS = 15;
const COMMAND_COLUMNS = 7;

/**
 * The part of a batch that one shard sees, as the columns of the tables `p` and `c`: postings with an end here, and the
 * commands that live here. Undefined when nothing of the batch is here.
 *
 * Columns are written as PostgreSQL array literals by hand: ids and numbers need no quoting, and the driver's general
 * encoder is most of a batch's cost in this process. Names are quoted, because one may be `null`.
 */
export function columnsFor(entries: readonly Entry[], answers: readonly (readonly unknown[])[], { here, commandHere }: Locality): string[] | undefined {
  const p = Array.from({ length: POSTING_COLUMNS }, (): string[] => []);
  const c = Array.from({ length: COMMAND_COLUMNS }, (): string[] => []);
  for (const entry of entries) {
    for (const [seq, posting] of entry.movement.postings.entries()) addPosting(p, entry, seq, posting, here);
    for (const [place, { actor, id, hash }] of entry.movement.commands.entries()) {
      if (!commandHere(actor, id)) continue;
      const answer = JSON.stringify(answers[entry.ix]?.[place] ?? null);
      add(c, [String(entry.ix), String(place), actor, id, hash.toString('hex'), quoted(answer), entry.transactionId]);
    }
  }
  if (p[0]?.length === 0 && c[0]?.length === 0) return undefined;
  return [...p, ...c].map((column) => `{${column.join(',')}}`);
}

function addPosting(p: string[][], { ix, movement, transactionId }: Entry, seq: number, posting: Posting, here: (key: string) => boolean): void {
  const giver = 'giver' in posting ? posting.giver : null;
  const giverLocal = giver !== null && here(giver);
  const receiverLocal = posting.receiver !== null && here(posting.receiver);
  if (!giverLocal && !receiverLocal) return;
  const fungible = 'asset' in posting;
  // What an item is goes along only where its row is written anew.
  const content = fungible || giverLocal || !receiverLocal ? undefined : 'content' in posting ? posting.content : posting;
  add(p, [
    String(ix),
    String(seq),
    transactionId,
    movement.reason,
    fungible ? quoted(posting.asset) : 'NULL',
    fungible ? 'NULL' : posting.item,
    'version' in posting ? String(posting.version) : '0',
    fungible ? String(posting.quantity) : '1',
    giver ?? 'NULL',
    posting.receiver ?? 'NULL',
    giverLocal ? 't' : 'f',
    receiverLocal ? 't' : 'f',
    content === undefined ? 'NULL' : quoted(content.kind),
    content === undefined ? 'NULL' : quoted(JSON.stringify(content.attributes)),
    content === undefined ? 'NULL' : String(content.bound),
  ]);
}

function add(columns: string[][], values: readonly string[]): void {
  for (const [at, value] of values.entries()) columns[at]?.push(value);
}

/** An array element with any text in it. @see PostgreSQL manual, 8.15.6 Array Input and Output Syntax */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
