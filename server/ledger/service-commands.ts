import { newId, SERVICE_ACTOR, type HoldingsReader, type Movement, type Posting } from '../../persistence/index.ts';
import type { ItemId } from '../../schema/ids.ts';
import type { Burn, Grant } from '../../schema/messages/service.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Catalog } from '../catalog/index.ts';
import type { Idempotency } from './idempotency.ts';
import { sameAnswer } from './idempotency.ts';
import type { Ledger } from './ledger.ts';

const ATTEMPTS_MAX = 3;

/** Stands for what is not held; the write refuses it. */
const NOT_HELD = { version: 0, kind: '', attributes: {}, bound: false };

export interface GrantAnswer {
  commandId: string;
  items: { id: ItemId; kind: string }[];
  inventoryVersion: number;
}

export interface BurnAnswer {
  commandId: string;
  inventoryVersion: number;
}

export interface ServiceCommandsDeps {
  ledger: Ledger;
  idempotency: Idempotency;
  catalog: Catalog;
  reader: HoldingsReader;
}

/** What the service key may do with value: mint and burn. */
export class ServiceCommands {
  readonly #deps: ServiceCommandsDeps;

  constructor(deps: ServiceCommandsDeps) {
    this.#deps = deps;
  }

  /**
   * Mints for a player.
   * @throws {Refusal} COMMAND_REUSED, UNKNOWN_ASSET, UNKNOWN_PLAYER, BAD_REQUEST when a balance would exceed 2^53 − 1
   * @see docs/SPEC.md SV1
   */
  grant(grant: Grant): Promise<GrantAnswer> {
    return this.#once('grant', grant, async (hash) => {
      const { catalog } = this.#deps;
      const mints = grant.items.map(({ kind, attributes = {} }) => ({ item: newId<ItemId>(), kind, attributes, bound: catalog.kind(kind).bound, receiver: grant.playerId }));
      const credits = Object.entries(grant.fungibles).map(([asset, quantity]) => ({ asset: catalog.fungible(asset).name, quantity, giver: null, receiver: grant.playerId }));
      const answer = (inventoryVersion: number): GrantAnswer => ({ commandId: grant.commandId, items: mints.map(({ item, kind }) => ({ id: item, kind })), inventoryVersion });
      return await this.#settle(grant, 'grant', hash, [...mints, ...credits], answer);
    });
  }

  /**
   * Takes from a player, out of existence.
   * @throws {Refusal} COMMAND_REUSED, UNKNOWN_ASSET, UNKNOWN_PLAYER, NOT_OWNER, INSUFFICIENT, CONCURRENT_MODIFICATION
   * @see docs/SPEC.md SV2
   */
  burn(burn: Burn): Promise<BurnAnswer> {
    return this.#once('burn', burn, async (hash) => {
      const { catalog, reader } = this.#deps;
      const debits = Object.entries(burn.fungibles).map(([asset, quantity]) => ({ asset: catalog.fungible(asset).name, quantity, giver: burn.playerId, receiver: null }));
      const answer = (inventoryVersion: number): BurnAnswer => ({ commandId: burn.commandId, inventoryVersion });
      for (let attempt = 1; ; attempt++) {
        const held = new Map((await reader.items(burn.items, burn.playerId)).map((item) => [item.id, item]));
        const items = burn.items.map((item): Posting => {
          const { version, ...content } = held.get(item) ?? NOT_HELD;
          return { item, version, content, giver: burn.playerId, receiver: null };
        });
        try {
          return await this.#settle(burn, 'burn', hash, [...items, ...debits], answer);
        } catch (error) {
          if (!(error instanceof Refusal && error.code === 'CONCURRENT_MODIFICATION') || attempt >= ATTEMPTS_MAX) throw error;
        }
      }
    });
  }

  #once<Answer>(type: string, body: Grant | Burn, work: (hash: Buffer) => Promise<Answer>): Promise<Answer> {
    return this.#deps.idempotency.once({ actor: SERVICE_ACTOR, id: body.commandId, type, payload: body }, work);
  }

  async #settle<Answer>(body: Grant | Burn, reason: string, hash: Buffer, postings: Posting[], answer: (inventoryVersion: number) => Answer): Promise<Answer> {
    const movement: Movement = {
      reason,
      postings,
      commands: [{ actor: SERVICE_ACTOR, id: body.commandId, hash, answer: (versions) => answer(versions.get(body.playerId) ?? 0) }],
    };
    const outcome = await this.#deps.ledger.submit(movement);
    switch (outcome.status) {
      case 'committed':
        return outcome.answers[0] as Answer;
      case 'known':
        return sameAnswer(body.commandId, hash, outcome) as Answer;
      case 'stale':
        throw new Refusal('CONCURRENT_MODIFICATION');
      case 'refused':
        throw new Refusal(outcome.code, outcome.details);
    }
  }
}
