import { assetOf } from './catalog.ts';
import { failureText } from './refusal-text.ts';
import { toast } from './toasts.ts';
import { distance, standBy, type Walker } from './walker.ts';
import type { GatheringNode, ZoneModel } from './zone-model.ts';

/** Within the server's reach, with room for its own idea of where we stand. */
const GATHER_REACH = 70;
const STAND_AT = 50;
/** The server may hear of the last steps a little later. */
const ARRIVAL_PATIENCE_MS = 1500;

export interface GatherErrandOptions {
  model: ZoneModel;
  walker: Walker;
  ask: (nodeId: string) => Promise<{ asset: string; quantity: number }>;
  gained: (node: GatheringNode, text: string) => void;
}

/** "Gather that": walks into reach where need be, asks once the server has us there, and shows what came of it. */
export class GatherErrand {
  /** The node whose answer is awaited. */
  gathering: string | undefined;
  readonly #options: GatherErrandOptions;
  #goal: { nodeId: string; arrivedMs: number | undefined } | undefined;

  constructor(options: GatherErrandOptions) {
    this.#options = options;
  }

  begin(nodeId: string): void {
    const { model, walker } = this.#options;
    const node = model.nodes.get(nodeId);
    if (!node || !walker.position) return;
    walker.target = distance(walker.position, node) > GATHER_REACH ? standBy(walker.position, node, STAND_AT) : undefined;
    this.#goal = { nodeId, arrivedMs: undefined };
  }

  beginNearest(): void {
    const { model, walker } = this.#options;
    const from = walker.position;
    const nearest = from && [...model.nodes.values()].toSorted((a, b) => distance(a, from) - distance(b, from))[0];
    if (nearest) this.begin(nearest.id);
  }

  /** The player goes elsewhere. */
  drop(): void {
    this.#goal = undefined;
  }

  step(nowMs: number): void {
    const { model, walker } = this.#options;
    const node = this.#goal && model.nodes.get(this.#goal.nodeId);
    if (!this.#goal || !node || walker.target || walker.moving) return;
    this.#goal.arrivedMs ??= nowMs;
    const waited = nowMs - this.#goal.arrivedMs > ARRIVAL_PATIENCE_MS;
    if (walker.serverDistanceTo(node) > GATHER_REACH && !waited) return;
    this.#goal = undefined;
    void this.#gather(node);
  }

  async #gather(node: GatheringNode): Promise<void> {
    if (this.gathering !== undefined) return;
    this.gathering = node.id;
    try {
      const { asset, quantity } = await this.#options.ask(node.id);
      this.#options.gained(node, `+${quantity} ${assetOf(asset).title}`);
    } catch (error) {
      toast(failureText(error), 'bad');
    } finally {
      this.gathering = undefined;
    }
  }
}
