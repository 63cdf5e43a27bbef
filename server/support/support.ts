import { holdersIn, OPERATOR_ACTOR, type CommandReader, type Movement, type Posting, type SupportStore, type TradeRecord } from '../../persistence/index.ts';
import type { CommandId, PlayerId, TransactionId } from '../../schema/ids.ts';
import { SEARCH_MAX, type FoundPlayer, type Freeze, type Obstacle, type Pause, type PlayerFile, type ReverseAnswer, type SetPause, type SupportAction, type SupportEntry, type TradeFile } from '../../schema/messages/ops.ts';
import { firstRefusal, Refusal } from '../../schema/refusals.ts';
import { sameAnswer, type Idempotency, type Ledger } from '../ledger/index.ts';
import type { Players } from '../players/index.ts';
import type { Sessions } from '../sessions/index.ts';
import { derivedId } from './derived-id.ts';

const DEEDS_SHOWN = 50;
const TRADE = 'trade';
const REVERSAL = 'reversal';

export interface SupportDeps {
  store: SupportStore;
  commands: CommandReader;
  ledger: Pick<Ledger, 'submit'>;
  idempotency: Idempotency;
  players: Players;
  sessions: Pick<Sessions, 'find'>;
}

/**
 * What support may do with the economy. Each deed is one transaction with its entry, which is the operators' command: the same
 * command id acts once, and nothing is done without a reason that stays. [OP1]
 */
export class Support {
  readonly #deps: SupportDeps;

  constructor(deps: SupportDeps) {
    this.#deps = deps;
  }

  /** By a name's beginning or an id. */
  find(text: string): Promise<FoundPlayer[]> {
    return this.#deps.store.find(text, SEARCH_MAX);
  }

  /** @throws {Refusal} UNKNOWN_PLAYER */
  async file(playerId: PlayerId): Promise<PlayerFile> {
    const { store, players, sessions } = this.#deps;
    const [records, standing, deeds, session] = await Promise.all([players.read([playerId]), store.standing(playerId), store.deeds(playerId, DEEDS_SHOWN), sessions.find(playerId).catch(() => undefined)]);
    const player = records.get(playerId);
    if (player === undefined || standing === undefined) throw new Refusal('UNKNOWN_PLAYER', { playerId });
    const { frozen, hasLogin, createdAt } = standing;
    return { player, frozen, hasLogin, createdAt, deeds, session: session === undefined ? null : { epoch: session.epoch, processId: session.processId, roomId: session.roomId, takenAt: session.takenAt } };
  }

  /** What players are called that are at an end of these, by id. */
  async namesOf(entries: Parameters<typeof holdersIn>[0]): Promise<Record<string, string>> {
    const known = await this.#deps.players.read(holdersIn(entries) as PlayerId[]);
    return Object.fromEntries([...known].map(([id, { name }]) => [id, name]));
  }

  /**
   * Nothing of value leaves a frozen account or enters it, whoever asks, until it is thawed; what support itself reverses does. [OP2]
   * @throws {Refusal} UNKNOWN_PLAYER, COMMAND_REUSED
   */
  freeze(playerId: PlayerId, { commandId, frozen, reason }: Freeze): Promise<SupportEntry> {
    return this.#record(commandId, frozen ? 'freeze' : 'unfreeze', playerId, reason, (command) => this.#deps.store.freeze(playerId, frozen, command));
  }

  /**
   * Of one asset or kind, or of everything, nothing goes from one holder to another until it is resumed: on all processes, from the
   * commit on, and over restarts. What is gathered, granted or burned goes on. [OP3]
   * @throws {Refusal} COMMAND_REUSED
   */
  setPause({ commandId, asset, paused, reason }: SetPause): Promise<SupportEntry> {
    return this.#record(commandId, paused ? 'pause' : 'resume', asset, reason, (command) => this.#deps.store.setPause(asset, paused, reason, command));
  }

  pauses(): Promise<Pause[]> {
    return this.#deps.store.pauses();
  }

  entries(before: number | undefined, limit: number): Promise<SupportEntry[]> {
    return this.#deps.store.entries(before, limit);
  }

  /** @throws {Refusal} TRADE_NOT_FOUND */
  async trade(transactionId: TransactionId): Promise<TradeFile> {
    const { store, players } = this.#deps;
    const [record, reversal] = await Promise.all([store.trade(transactionId), store.entry(reversalOf(transactionId))]);
    if (record === undefined) throw new Refusal('TRADE_NOT_FOUND', { transactionId });
    const holders = [...holdersIn(record.postings), ...record.obstacles.flatMap(({ holder }) => holder ?? [])];
    const known = await players.read(holders as PlayerId[]);
    const { reason, at, postings, obstacles } = record;
    return { transactionId, reason, at, postings, obstacles, names: Object.fromEntries([...known].map(([id, { name }]) => [id, name])), reversed: reversal ?? null };
  }

  /**
   * Gives back what a trade moved, all or nothing: each item at the version that the trade left it at, so that one that moved on or
   * changed stays where it is and nothing else moves either. Once for each trade, whoever asks. [OP4]
   * @throws {Refusal} TRADE_NOT_FOUND; BAD_REQUEST for what was no trade; NOT_OWNER, ITEM_BOUND or INSUFFICIENT with all that stands in the way
   */
  async reverse(transactionId: TransactionId, reason: string): Promise<ReverseAnswer> {
    const { store, idempotency, ledger } = this.#deps;
    const commandId = reversalOf(transactionId);
    // Another reason is no other reversal: what was asked is the trade.
    const key = { actor: OPERATOR_ACTOR, id: commandId, type: 'support:reverse', payload: { transactionId } } as const;
    await idempotency.once(key, async (hash) => {
      const record = await store.trade(transactionId);
      if (record === undefined) throw new Refusal('TRADE_NOT_FOUND', { transactionId });
      if (record.reason !== TRADE) throw new Refusal('BAD_REQUEST', { reason: `a ${record.reason} is no trade, and cannot be reversed` });
      refuseFor(record.obstacles);
      const answer = entryOf(commandId, 'reverse', transactionId, reason);
      const movement: Movement = { reason: REVERSAL, postings: reversed(record), commands: [{ actor: OPERATOR_ACTOR, id: commandId, hash, answer: () => answer }], bySupport: true };
      const outcome = await ledger.submit(movement);
      switch (outcome.status) {
        case 'committed':
          return outcome.answers[0];
        case 'known':
          return sameAnswer(commandId, hash, outcome);
        case 'stale':
          throw new Refusal('CONCURRENT_MODIFICATION', { items: outcome.items.map(({ item }) => item) });
        case 'refused':
          throw new Refusal(outcome.code, outcome.details);
      }
    });
    return { transactionId, entry: await this.#entry(commandId) };
  }

  async #record(commandId: CommandId, action: SupportAction, target: string, reason: string, write: (command: Movement['commands'][number]) => Promise<void>): Promise<SupportEntry> {
    const answer = entryOf(commandId, action, target, reason);
    const key = { actor: OPERATOR_ACTOR, id: commandId, type: `support:${action}`, payload: { target, reason } } as const;
    await this.#deps.idempotency.once(key, async (hash) => {
      const known = await this.#deps.commands.find(OPERATOR_ACTOR, commandId);
      if (known !== undefined) return sameAnswer(commandId, hash, known);
      await write({ actor: OPERATOR_ACTOR, id: commandId, hash, answer: () => answer });
      return answer;
    });
    return await this.#entry(commandId);
  }

  async #entry(id: CommandId): Promise<SupportEntry> {
    const entry = await this.#deps.store.entry(id);
    if (entry === undefined) throw new Error('what support did has its entry');
    return entry;
  }
}

/** As it is stored; when it was, the database says. */
function entryOf(id: CommandId, action: SupportAction, target: string, reason: string): Omit<SupportEntry, 'at'> {
  return { id, action, target, reason };
}

const reversalOf = (transactionId: TransactionId): CommandId => derivedId(`${REVERSAL}:${transactionId}`);

/** All of it back: who received gives. */
function reversed({ postings, items }: TradeRecord): Posting[] {
  return postings.map(({ giver, receiver, asset, quantity, item, itemVersion }): Posting => {
    if (giver === null || receiver === null) throw new Error('a trade mints and burns nothing');
    if (asset !== null) return { asset, quantity, giver: receiver, receiver: giver };
    const content = item === null ? undefined : items.get(item);
    if (item === null || itemVersion === null || content === undefined) throw new Refusal('NOT_OWNER', { item });
    return { item, version: itemVersion, content: { kind: content.kind, attributes: content.attributes, bound: content.bound }, giver: receiver, receiver: giver };
  });
}

/** @throws {Refusal} the first of them by the table's order, with all */
function refuseFor(obstacles: readonly Obstacle[]): void {
  const code = firstRefusal(obstacles.map((obstacle) => obstacle.code));
  if (code !== undefined) throw new Refusal(code, { obstacles });
}
