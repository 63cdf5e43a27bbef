import type { CommandActor, CommandReader } from '../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { hashCommand } from './command-hash.ts';
import { RenewedMap } from './renewed-map.ts';

/** A request that must act once, however often it arrives. */
export interface CommandKey {
  actor: CommandActor;
  id: CommandId;
  /** The message type, part of what was asked. */
  type: string;
  payload: unknown;
}

interface Running {
  hash: Buffer;
  answer: Promise<unknown>;
}

/**
 * One command id, one effect, one answer. [KE1] [KE2]
 *
 * A repeat that arrives while the first runs waits for it; a repeat after it gets the stored answer, even when the work
 * would be refused by now. The store is the database's command row, which the work writes in its own transaction.
 */
export class Idempotency {
  readonly #commands: CommandReader;
  readonly #running = new RenewedMap<string, Running>();

  constructor(commands: CommandReader) {
    this.#commands = commands;
  }

  /** @throws {Refusal} COMMAND_REUSED, or what the work refuses */
  async once<Answer>(key: CommandKey, work: (hash: Buffer) => Promise<Answer>): Promise<Answer> {
    const hash = hashCommand(key.type, key.payload);
    const name = `${key.actor}/${key.id}`;
    const running = this.#running.get(name);
    if (running !== undefined) {
      if (!running.hash.equals(hash)) throw new Refusal('COMMAND_REUSED', { commandId: key.id });
      return (await running.answer) as Answer;
    }
    const answer = this.#run(key, hash, work);
    this.#running.set(name, { hash, answer });
    try {
      return await answer;
    } finally {
      this.#running.delete(name);
    }
  }

  /** What became of a command whose answer was lost. @throws {Refusal} BUSY while that is not decided [KE4] */
  async outcome(actor: PlayerId, id: CommandId): Promise<{ known: false } | { known: true; answer: unknown }> {
    const known = await this.#commands.find(actor, id, { awaitWriters: true });
    return known ? { known: true, answer: known.answer } : { known: false };
  }

  async #run<Answer>(key: CommandKey, hash: Buffer, work: (hash: Buffer) => Promise<Answer>): Promise<Answer> {
    try {
      return await work(hash);
    } catch (error) {
      const known = await this.#commands.find(key.actor, key.id);
      if (known === undefined) throw error;
      return sameAnswer(key.id, hash, known) as Answer;
    }
  }
}

/** The stored answer, if the stored command asked the same. @throws {Refusal} COMMAND_REUSED */
export function sameAnswer(id: CommandId, hash: Buffer, known: { hash: Buffer; answer: unknown }): unknown {
  if (!known.hash.equals(hash)) throw new Refusal('COMMAND_REUSED', { commandId: id });
  return known.answer;
}
