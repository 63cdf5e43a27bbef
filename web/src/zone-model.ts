import type { NodeState, ZonePlayerState, ZoneState } from '../../schema/states/zone-state.ts';
import { serverNow } from './server-clock.ts';
import type { Bounds, Point } from './walker.ts';

/** Others are drawn this far in the past, so that there is nearly always a later place to walk towards. */
const INTERPOLATION_DELAY_MS = 120;
const PATCH_INTERVAL_MS = 50;
const SAMPLES_MAX = 12;
const COOLDOWN_GUESS_MS = 15_000;

export interface Avatar extends Point {
  id: string;
  name: string;
  level: number;
  guildTag: string;
  moving: boolean;
}

export interface GatheringNode extends Point {
  id: string;
  asset: string;
  readyAt: number;
  /** How long the running cooldown is in all, as far as this client saw it begin. */
  cooldownMs: number;
}

interface Sample extends Point {
  atMs: number;
}

/** What the zone's state says, made smooth: places of others between two patches, and cooldowns with their length. */
export class ZoneModel {
  readonly avatars = new Map<string, Avatar>();
  readonly nodes = new Map<string, GatheringNode>();
  bounds: Bounds = { width: 0, height: 0 };
  readonly #samples = new Map<string, Sample[]>();

  /** Takes in a state; `nowMs` is the page's monotonic time. */
  read(state: ZoneState, nowMs: number): void {
    this.bounds = { width: state.width || 1000, height: state.height || 1000 };
    const present = new Set<string>();
    state.players?.forEach((player: ZonePlayerState, id: string) => {
      present.add(id);
      this.#readPlayer(player, id, nowMs);
    });
    for (const id of this.avatars.keys()) {
      if (present.has(id)) continue;
      this.avatars.delete(id);
      this.#samples.delete(id);
    }
    const nodes = new Set<string>();
    state.nodes?.forEach((node: NodeState, id: string) => {
      nodes.add(id);
      this.#readNode(node, id);
    });
    for (const id of this.nodes.keys()) if (!nodes.has(id)) this.nodes.delete(id);
  }

  /** The last known place of a player, not smoothed. */
  latest(id: string): Point | undefined {
    return this.#samples.get(id)?.at(-1);
  }

  /** Moves every avatar to where it is to be drawn now. */
  step(nowMs: number): void {
    const atMs = nowMs - INTERPOLATION_DELAY_MS;
    for (const [id, avatar] of this.avatars) {
      const place = interpolate(this.#samples.get(id) ?? [], atMs);
      if (!place) continue;
      avatar.moving = Math.hypot(place.x - avatar.x, place.y - avatar.y) > 0.15;
      avatar.x = place.x;
      avatar.y = place.y;
    }
  }

  #readPlayer(player: ZonePlayerState, id: string, nowMs: number): void {
    const { x, y, name, level, guildTag } = player;
    const avatar = this.avatars.get(id);
    if (avatar) Object.assign(avatar, { name, level, guildTag });
    else this.avatars.set(id, { id, x, y, name, level, guildTag, moving: false });
    const samples = this.#samples.get(id) ?? [];
    this.#samples.set(id, samples);
    const last = samples.at(-1);
    if (last && last.x === x && last.y === y) return;
    // Nothing is sent of someone who stands: the walk began one patch ago, not when the last one ended.
    if (last && nowMs - last.atMs > 3 * PATCH_INTERVAL_MS) samples.push({ x: last.x, y: last.y, atMs: nowMs - PATCH_INTERVAL_MS });
    samples.push({ x, y, atMs: nowMs });
    if (samples.length > SAMPLES_MAX) samples.splice(0, samples.length - SAMPLES_MAX);
  }

  #readNode(node: NodeState, id: string): void {
    const { asset, x, y, readyAt } = node;
    const known = this.nodes.get(id);
    let cooldownMs = known?.cooldownMs ?? COOLDOWN_GUESS_MS;
    if (known?.readyAt !== readyAt) cooldownMs = Math.max(readyAt - serverNow(), 1);
    if (known) Object.assign(known, { asset, x, y, readyAt, cooldownMs });
    else this.nodes.set(id, { id, asset, x, y, readyAt, cooldownMs: Math.max(cooldownMs, COOLDOWN_GUESS_MS) });
  }
}

/** The place at a time, between the two samples around it; before the first and after the last it stands. */
export function interpolate(samples: readonly Sample[], atMs: number): Point | undefined {
  const first = samples[0];
  if (!first || atMs <= first.atMs) return first;
  for (let index = samples.length - 1; index >= 0; index--) {
    const from = samples[index]!;
    if (from.atMs > atMs) continue;
    const to = samples[index + 1];
    if (!to) return from;
    const share = (atMs - from.atMs) / (to.atMs - from.atMs);
    return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
  }
  return first;
}
