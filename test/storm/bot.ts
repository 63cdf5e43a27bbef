import { setTimeout as delay } from 'node:timers/promises';
import type { PlayerId } from '../../schema/ids.ts';
import { whole, type Random } from '../../loadtest/bench/kit/holdings.ts';
import { AnswerLost, newCommandId, Refused, StrongroomClient, type RoomLink } from '../../web/client/index.ts';
import type { Accepted, BotReport } from './messages.ts';

/** People do something every other second. */
const IDLE_MAX_MS = 2_000;
const TRADE_MAX_MS = 25_000;
const GOLD_MAX = 5;
/** Not the game's answer: the server could not do what it was asked. */
const NO_ANSWER = new Set(['BUSY', 'INTERNAL']);
const PULSE_EVERY_MS = 1_000;
const NOTES_MAX = 60;

export interface BotOptions {
  endpoints: readonly string[];
  random: Random;
  report: (report: BotReport) => void;
}

/** One player by the client helper, who gathers and trades for as long as the storm goes. */
export class Bot {
  readonly #options: BotOptions;
  readonly #client: StrongroomClient;
  readonly #zone: RoomLink<'zone'>;
  readonly #notes: string[] = [];
  id = '' as PlayerId;
  /** Whether it is at a trade. */
  busy = false;

  constructor(options: BotOptions) {
    this.#options = options;
    this.#client = new StrongroomClient({ endpoints: options.endpoints, signInRoundsMax: 20 });
    this.#zone = this.#client.zone();
    this.#client.player.status.watch((status) => this.#note('player', status.kind));
    this.#zone.status.watch((status) => this.#note('zone', status.kind));
    for (const link of [this.#client.player, this.#zone]) link.status.watch(({ kind }, before) => before.kind === 'live' && kind !== 'live' && options.report({ type: 'hit', player: this.id, at: Date.now() }));
    // Bots do not ask anybody: they come back until the storm is over.
    for (const link of [this.#client.player, this.#zone]) link.status.watch(({ kind }) => kind === 'lost' && link.start());
  }

  async arrive(): Promise<void> {
    this.id = (await this.#client.servers.signInAnonymously<{ playerId: PlayerId }>({ name: 'Storm bot' })).playerId;
    this.#client.start();
    await this.#until(() => this.isOnline);
  }

  get isOnline(): boolean {
    return this.#client.player.status.get().kind === 'live' && this.#zone.status.get().kind === 'live';
  }

  /** When its links came to be in which state, the last of them, for who asks what kept it. */
  get history(): string {
    return this.#notes.join(', ');
  }

  #note(what: string, became: string): void {
    this.#notes.push(`${new Date().toISOString().slice(17, 23)} ${what} ${became}`);
    if (this.#notes.length > NOTES_MAX) this.#notes.shift();
  }

  /** In which state its links are, for who asks why it is not online. */
  get standing(): string {
    return JSON.stringify([this.#client.player.status.get(), this.#zone.status.get()]);
  }

  get holds(): { fungibles: Record<string, number>; items: string[] } {
    const { fungibles, items } = this.#client.player.state ?? {};
    return { fungibles: Object.fromEntries([...(fungibles?.entries() ?? [])].filter(([, count]) => count > 0)), items: [...(items?.keys() ?? [])].toSorted() };
  }

  async gather(): Promise<void> {
    const commandId = newCommandId();
    const answer = await tried(() => this.#zone.request('gather', { commandId, nodeId: 'ore-1' }));
    if (answer) this.#options.report({ type: 'gathered', player: this.id, command: commandId, quantity: answer.quantity });
  }

  /** Offers what it has for what the other has, and sees it through as far as the storm lets it. */
  async tradeWith(partner: Bot): Promise<void> {
    const { random, report } = this.#options;
    const invited = await tried(() => this.#client.player.request('trade:invite', { playerId: partner.id }));
    if (invited === undefined) return;
    const { tradeId } = invited;
    const sides = [this.#client.trade(tradeId), partner.#client.trade(tradeId)] as const;
    const commands = [newCommandId(), newCommandId()] as const;
    const accepted = (outcome: Accepted['outcome']) => report({ type: 'trade', accepted: { trade: tradeId, players: [this.id, partner.id], commands, outcome } });
    let asked = false;
    try {
      await sides[0].request('trade:offer', this.#draft(random), { deadlineMs: TRADE_MAX_MS });
      const { revision } = await sides[1].request('trade:offer', partner.#draft(random), { deadlineMs: TRADE_MAX_MS });
      asked = true;
      await sides[0].request('trade:accept', { commandId: commands[0], revision }, { deadlineMs: TRADE_MAX_MS });
      const { status } = await sides[1].request('trade:accept', { commandId: commands[1], revision }, { deadlineMs: TRADE_MAX_MS });
      accepted(status === 'settled' ? 'settled' : 'unknown');
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof AnswerLost)) throw error;
      if (asked) accepted(error instanceof Refused && !NO_ANSWER.has(error.code) ? 'refused' : 'unknown');
    } finally {
      for (const side of sides) side.close();
    }
  }

  /** Says, over and over, when it is in its rooms and PostgreSQL answers it. */
  async pulse(going: () => boolean): Promise<void> {
    for (; going(); await delay(PULSE_EVERY_MS)) {
      const begunAt = Date.now();
      const answer = await tried(() => this.#client.outcome(newCommandId()), (error) => this.#note('pulse', (error as Error).message.slice(0, 40)));
      if (answer !== undefined && this.isOnline) this.#options.report({ type: 'answered', player: this.id, begunAt, at: Date.now() });
    }
  }

  /** A moment between two things that one does. */
  async rest(): Promise<void> {
    await delay(this.#options.random() * IDLE_MAX_MS);
  }

  close(): void {
    this.#client.close();
  }

  #draft(random: Random): { items: string[]; fungibles: Record<string, number> } {
    const { fungibles, items } = this.holds;
    const gold = Math.min(whole(random, 0, GOLD_MAX), fungibles['gold'] ?? 0);
    const item = items.length > 0 && random() < 0.7 ? items[whole(random, 0, items.length - 1)] : undefined;
    return { items: item === undefined ? [] : [item], fungibles: gold > 0 ? { gold } : {} };
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await delay(20);
  }
}

/** The answer, unless it was refused or lost: a storm is made of that. */
async function tried<Answer>(work: () => Promise<Answer>, onFailure?: (error: unknown) => void): Promise<Answer | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof AnswerLost)) throw error;
    onFailure?.(error);
    return undefined;
  }
}
