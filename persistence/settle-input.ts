import type { TransactionId } from '../schema/ids.ts';
import type { CommandActor, CommandRecord, Movement, Posting } from './movement.ts';

/** A movement with its place in the batch and the ledger's name for it. */
export interface Entry {
  ix: number;
  movement: Movement;
  transactionId: TransactionId;
}

/** What an item that leaves one shard is, for the shard that it comes to. */
export interface Leaving {
  kind: string;
  attributes: Record<string, unknown>;
  bound: boolean;
}

interface LocalPosting {
  entry: Entry;
  seq: number;
  posting: Posting;
  giverLocal: boolean;
  receiverLocal: boolean;
}

interface LocalCommand {
  entry: Entry;
  place: number;
  command: CommandRecord;
}

/** The part of a batch that one shard sees: postings with an end here, and the commands that live here. */
export class LocalPart {
  readonly #postings: readonly LocalPosting[];
  readonly #commands: readonly LocalCommand[];

  constructor(postings: readonly LocalPosting[], commands: readonly LocalCommand[]) {
    this.#postings = postings;
    this.#commands = commands;
  }

  get isEmpty(): boolean {
    return this.#postings.length + this.#commands.length === 0;
  }

  without(denied: ReadonlyMap<number, unknown>): LocalPart {
    if (denied.size === 0) return this;
    return new LocalPart(
      this.#postings.filter(({ entry }) => !denied.has(entry.ix)),
      this.#commands.filter(({ entry }) => !denied.has(entry.ix)),
    );
  }

  /** The columns of the tables `p` and `c` of settle-statements.ts, in their order. */
  values(answers: readonly (readonly unknown[])[], leaving: ReadonlyMap<string, Leaving>): unknown[] {
    const p = this.#postings;
    const c = this.#commands;
    const contents = p.map(({ posting, receiverLocal, giverLocal }) => {
      if ('kind' in posting) return posting;
      return 'item' in posting && receiverLocal && !giverLocal ? leaving.get(posting.item) : undefined;
    });
    return [
      p.map(({ entry }) => entry.ix),
      p.map(({ seq }) => seq),
      p.map(({ entry }) => entry.transactionId),
      p.map(({ entry }) => entry.movement.reason),
      p.map(({ posting }) => ('asset' in posting ? posting.asset : null)),
      p.map(({ posting }) => ('item' in posting ? posting.item : null)),
      p.map(({ posting }) => ('version' in posting ? posting.version : 0)),
      p.map(({ posting }) => ('quantity' in posting ? posting.quantity : 1)),
      p.map(({ posting }) => ('giver' in posting ? posting.giver : null)),
      p.map(({ posting }) => posting.receiver),
      p.map(({ giverLocal }) => giverLocal),
      p.map(({ receiverLocal }) => receiverLocal),
      contents.map((content) => content?.kind ?? null),
      contents.map((content) => (content === undefined ? null : JSON.stringify(content.attributes))),
      contents.map((content) => content?.bound ?? null),
      c.map(({ entry }) => entry.ix),
      c.map(({ place }) => place),
      c.map(({ command }) => command.actor),
      c.map(({ command }) => command.id),
      c.map(({ command }) => command.hash),
      c.map(({ entry, place }) => JSON.stringify(answers[entry.ix]?.[place] ?? null)),
      c.map(({ entry }) => entry.transactionId),
    ];
  }
}

export function localPart(entries: readonly Entry[], here: (key: string) => boolean, commandHere: (actor: CommandActor, id: string) => boolean): LocalPart {
  const postings = entries.flatMap((entry) =>
    entry.movement.postings.map((posting, seq): LocalPosting => {
      const giver = 'giver' in posting ? posting.giver : null;
      return { entry, seq, posting, giverLocal: giver !== null && here(giver), receiverLocal: posting.receiver !== null && here(posting.receiver) };
    }),
  );
  const commands = entries.flatMap((entry) => entry.movement.commands.map((command, place): LocalCommand => ({ entry, place, command })));
  return new LocalPart(
    postings.filter(({ giverLocal, receiverLocal }) => giverLocal || receiverLocal),
    commands.filter(({ command }) => commandHere(command.actor, command.id)),
  );
}
