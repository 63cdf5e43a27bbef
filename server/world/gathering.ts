import { randomInt } from 'node:crypto';
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
  /** A whole number from min to max. */
  roll?: (min: number, max: number) => number;
}

/**
 * Loot by the catalogue's table, decided on the server. Cooldowns belong to the zone in this process, not to a room:
 * a room that is left and opened again finds them as they were. [ZN2] [ZN3]
 */
export class Gathering {
  readonly #deps: GatheringDeps;
  readonly #readyAt = new Map<string, number>();

  constructor(deps: GatheringDeps) {
    this.#deps = deps;
  }

  readyAt(zone: string, nodeId: string): number {
    return this.#readyAt.get(`${zone}/${nodeId}`) ?? 0;
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

      // Taken before the commit, in the same turn as the check: of two who reach for it, one gets it.
      this.#readyAt.set(key, this.#deps.now() + node.cooldownMs);
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
        if (error instanceof Refusal) this.#readyAt.set(key, before);
        throw error;
      }
    });
  }
}
