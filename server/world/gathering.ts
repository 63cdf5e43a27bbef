import { randomInt } from 'node:crypto';
import { memoryBus, memoryCooldowns, type Bus, type Cooldowns } from '../../persistence/index.ts';
import type { Zone } from '../../schema/catalog.ts';
import type { PlayerId } from '../../schema/ids.ts';
import type { Gather } from '../../schema/messages/zone.ts';
import { Refusal } from '../../schema/refusals.ts';
import { sameAnswer, type Idempotency, type Ledger } from '../ledger/index.ts';
import { distance, type Point } from './walk.ts';

export interface GatherAnswer {
  asset: string;
  quantity: number;
}

export interface GatheringDeps {
  ledger: Ledger;
  idempotency: Idempotency;
  now: () => number;
  /** Shared with the other processes; this one's own unless given. */
  cooldowns?: Cooldowns;
  bus?: Bus;
  /** A whole number from min to max. */
  roll?: (min: number, max: number) => number;
}

/**
 * Loot by the catalogue's table, decided on the server. Cooldowns belong to the zone over all processes, not to a
 * room: a room that is left and opened again, here or elsewhere, finds them as they were. [ZN2] [ZN3]
 */
export class Gathering {
  readonly #deps: GatheringDeps;
  readonly #cooldowns: Cooldowns;
  readonly #bus: Bus;
  /** As far as is known here. */
  readonly #readyAt = new Map<string, number>();

  constructor(deps: GatheringDeps) {
    this.#deps = deps;
    this.#cooldowns = deps.cooldowns ?? memoryCooldowns({ now: deps.now });
    this.#bus = deps.bus ?? memoryBus();
    this.#bus.subscribe('node', 'all', ({ zone, nodeId, readyAt }) => this.#readyAt.set(`${zone}/${nodeId}`, readyAt));
  }

  readyAt(zone: string, nodeId: string): number {
    return this.#readyAt.get(`${zone}/${nodeId}`) ?? 0;
  }

  /** Hears of each node of a zone that is taken or ready again, by whomever. @returns what ends it */
  watch(zone: string, listener: (nodeId: string) => void): () => void {
    const { stop } = this.#bus.subscribe('node', 'all', (event) => {
      if (event.zone === zone) listener(event.nodeId);
    });
    return stop;
  }

  /** @throws {Refusal} COMMAND_REUSED, BAD_REQUEST for an unknown node, NOT_READY, TOO_FAR, SESSION_REPLACED, BUSY */
  async gather(actor: PlayerId, zone: Zone, at: Point, { commandId, nodeId }: Gather, epoch: number): Promise<GatherAnswer> {
    const payload = { zone: zone.name, nodeId };
    return await this.#deps.idempotency.once({ actor, id: commandId, type: 'gather', payload }, async (hash) => {
      const node = zone.nodes.find(({ id }) => id === nodeId);
      if (node === undefined) throw new Refusal('BAD_REQUEST', { reason: 'no such node', nodeId });
      const key = `${zone.name}/${nodeId}`;
      const before = this.readyAt(zone.name, nodeId);
      if (before > this.#deps.now()) throw new Refusal('NOT_READY', { readyAt: before });
      if (distance(at, node) > zone.reach) throw new Refusal('TOO_FAR', { reach: zone.reach });

      // Taken before the commit, here in the same turn as the check: of two who reach for it, one gets it.
      const readyAt = this.#deps.now() + node.cooldownMs;
      this.#readyAt.set(key, readyAt);
      await this.#take(key, readyAt, before);
      this.#bus.publish('node', 'all', { zone: zone.name, nodeId, readyAt });
      const roll = this.#deps.roll ?? ((min, max) => randomInt(min, max + 1));
      const answer: GatherAnswer = { asset: node.asset, quantity: roll(node.min, node.max) };
      try {
        const outcome = await this.#deps.ledger.submit({
          reason: 'gather',
          postings: [{ ...answer, giver: null, receiver: actor }],
          commands: [{ actor, id: commandId, hash, answer: () => answer }],
          fences: [{ player: actor, epoch }],
          experience: { player: actor, xp: node.xp },
        });
        if (outcome.status === 'committed') return answer;
        if (outcome.status === 'known') return sameAnswer(commandId, hash, outcome) as GatherAnswer;
        throw outcome.status === 'refused' ? new Refusal(outcome.code, outcome.details) : new Refusal('CONCURRENT_MODIFICATION');
      } catch (error) {
        // Nothing was gathered, so nothing cools down.
        if (error instanceof Refusal) {
          await this.#cooldowns.giveBack(key, readyAt).catch(() => undefined); // it runs out by itself
          this.#bus.publish('node', 'all', { zone: zone.name, nodeId, readyAt: before });
        }
        throw error;
      }
    });
  }

  async #take(key: string, readyAt: number, before: number): Promise<void> {
    let held: number | undefined;
    try {
      held = await this.#cooldowns.take(key, readyAt);
    } catch {
      this.#readyAt.set(key, before);
      throw new Refusal('BUSY', { reason: 'cooldowns cannot be asked now' });
    }
    if (held === undefined) return;
    this.#readyAt.set(key, held);
    throw new Refusal('NOT_READY', { readyAt: held });
  }
}
