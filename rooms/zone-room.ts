import type { Client } from '@colyseus/core';
import type { Zone } from '../schema/catalog.ts';
import type { GuildId, PlayerId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Gather, Move, ZoneName } from '../schema/messages/zone.ts';
import { Refusal } from '../schema/refusals.ts';
import { NodeState, ZonePlayerState, ZoneState } from '../schema/states/zone-state.ts';
import type { Catalog } from '../server/catalog/index.ts';
import type { Guilds } from '../server/guilds/index.ts';
import type { Players } from '../server/players/index.ts';
import type { Follower, Sessions } from '../server/sessions/index.ts';
import { clampTo, stepTowards, type Gathering, type Point } from '../server/world/index.ts';
import { authenticator, AuthenticatedRoom, refuseJoin, refuseStranger, type RoomKit, type Seat } from './kit/authenticated-room.ts';
import { LARGE_STATE_BYTES, makeSpace } from './kit/encoder-space.ts';
import { PatchRound } from './kit/patch-round.ts';

const PLAYERS_MAX = 100;
/** So that people do not stand on each other when they come. */
const SPAWN_SPREAD = 20;

export interface ZoneRoomDeps {
  kit: RoomKit;
  catalog: Catalog;
  players: Players;
  sessions: Sessions;
  guilds: Guilds;
  gathering: Gathering;
  /** How often people move, and clients are sent who did. */
  patchIntervalMs: number;
}

interface Walker {
  client: Client;
  session: Follower;
  target: Point | undefined;
  /** Up to when it has walked. */
  walkedAtMs: number;
  stopListening: () => void;
}

/** The `zone` room: a public place to walk and gather in. Positions are the server's; clients name where to. */
export function bindZoneRoom(deps: ZoneRoomDeps) {
  const round = new PatchRound(deps.patchIntervalMs, deps.kit);
  return class ZoneRoom extends AuthenticatedRoom<ZoneState> {
    static override onAuth = authenticator(deps.kit.authenticate, ({ zone = 'meadow' }) => {
      const name = ZoneName.safeParse(zone);
      if (!name.success || deps.catalog.zone(name.data) === undefined) refuseJoin('BAD_REQUEST');
      return { zone: name.data };
    });
    override maxClients = PLAYERS_MAX;
    override state = new ZoneState();
    protected override readonly kit = deps.kit;
    #zone!: Zone;
    readonly #stops: (() => void)[] = [];
    readonly #walkers = new Map<PlayerId, Walker>();

    override onCreate({ zone }: { zone: string }): void {
      this.openFor();
      makeSpace(this, LARGE_STATE_BYTES);
      this.#adopt(deps.catalog.zone(zone));
      this.#stops.push(
        deps.catalog.onChange(() => this.#adopt(deps.catalog.zone(zone))),
        deps.gathering.watch(zone, (nodeId) => this.#showNode(nodeId)),
        round.add(this, () => this.#walk()),
      );

      this.command('move', Move, (actor, target) => {
        const walker = this.#walkers.get(actor);
        if (walker === undefined) return;
        // As far as it came towards the former one.
        this.#advance(actor, walker, performance.now());
        walker.target = clampTo(this.#zone, target);
      });
      this.command('gather', Gather, async (actor, body) => {
        const [walker, at] = [this.#walkers.get(actor), this.state.players.get(actor)];
        if (walker === undefined || at === undefined) throw new Refusal('SESSION_REPLACED');
        this.#advance(actor, walker, performance.now());
        return await deps.gathering.gather(actor, this.#zone, { x: at.x, y: at.y }, body, walker.session.epoch);
      });
    }

    override async onJoin(client: Client): Promise<void> {
      const seat = client.auth as Seat;
      const { playerId } = seat;
      const session = await deps.sessions.follow(seat, () => this.closeReplaced(client)).catch(refuseStranger);
      const profile = (await deps.players.read([playerId])).get(playerId);
      if (profile === undefined) {
        session.stop();
        refuseJoin('UNAUTHENTICATED');
      }
      const before = this.#walkers.get(playerId);
      const listening = deps.players.listen(playerId, (event) => {
        const shown = this.state.players.get(playerId);
        if (event.type === 'guild') void this.#showTag(playerId, event.guildId);
        if (shown && event.type === 'profile') Object.assign(shown, { name: event.name ?? shown.name, level: event.level ?? shown.level });
      });
      this.#walkers.set(playerId, { client, session, target: undefined, walkedAtMs: 0, stopListening: () => listening.stop() });
      if (before) {
        // The same player through another tab: one body, and the older connection goes.
        before.session.stop();
        before.stopListening();
        this.closeReplaced(before.client);
        return;
      }
      const spread = () => (Math.random() * 2 - 1) * SPAWN_SPREAD;
      const at = clampTo(this.#zone, { x: this.#zone.spawn.x + spread(), y: this.#zone.spawn.y + spread() });
      this.state.players.set(playerId, new ZonePlayerState({ name: profile.name, level: profile.level, ...at }));
      void this.#showTag(playerId, profile.guildId);
    }

    override onLeave(client: Client): void {
      const { playerId } = client.auth as Seat;
      const walker = this.#walkers.get(playerId);
      if (walker?.client.sessionId !== client.sessionId) return;
      walker.session.stop();
      walker.stopListening();
      this.#walkers.delete(playerId);
      this.state.players.delete(playerId);
    }

    override onDispose(): void {
      for (const stop of this.#stops) stop();
      for (const { session, stopListening } of this.#walkers.values()) {
        session.stop();
        stopListening();
      }
    }

    /** A changed catalogue moves, adds and removes nodes under the players' feet; a zone that was struck out stays as it was. */
    #adopt(zone: Zone | undefined): void {
      if (zone === undefined) return;
      this.#zone = zone;
      Object.assign(this.state, { zone: zone.name, width: zone.width, height: zone.height });
      const ids = new Set(zone.nodes.map(({ id }) => id));
      for (const id of this.state.nodes.keys()) if (!ids.has(id)) this.state.nodes.delete(id);
      for (const { id, asset, x, y } of zone.nodes) {
        this.state.nodes.set(id, new NodeState({ asset, x, y, readyAt: deps.gathering.readyAt(zone.name, id) }));
      }
    }

    #walk(): void {
      const nowMs = performance.now();
      for (const [playerId, walker] of this.#walkers) this.#advance(playerId, walker, nowMs);
    }

    /** To where it is by now. */
    #advance(playerId: PlayerId, walker: Walker, nowMs: number): void {
      const elapsedMs = nowMs - walker.walkedAtMs;
      walker.walkedAtMs = nowMs;
      if (walker.target === undefined) return;
      const at = this.state.players.get(playerId);
      invariant(at, 'whoever walks is shown');
      const next = stepTowards(at, walker.target, this.#zone.speed, elapsedMs);
      at.x = next.x;
      at.y = next.y;
      if (next === walker.target) walker.target = undefined;
    }

    async #showTag(playerId: PlayerId, guildId: GuildId | null): Promise<void> {
      const guild = guildId === null ? undefined : await deps.guilds.look(guildId).catch((error: unknown) => void deps.kit.report({ ref: this.roomId, type: 'zone.tag', error }));
      const shown = this.state.players.get(playerId);
      if (shown) shown.guildTag = guild?.tag ?? '';
    }

    #showNode(nodeId: string): void {
      const node = this.state.nodes.get(nodeId);
      if (node) node.readyAt = deps.gathering.readyAt(this.#zone.name, nodeId);
    }
  };
}
