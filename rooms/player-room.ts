import type { Client } from '@colyseus/core';
import type { PlayerRecord } from '../schema/holdings.ts';
import { PlayerId, type ClientId, type TradeId } from '../schema/ids.ts';
import { diffHoldings, planDelta, type InventoryDelta } from '../schema/inventory-delta.ts';
import { AcceptInvitation, CreateGuild, DeclineInvitation, ListInvitations } from '../schema/messages/guild.ts';
import { CommandOutcome, Rename, TradeInvite } from '../schema/messages/player.ts';
import { Refusal } from '../schema/refusals.ts';
import { PlayerState } from '../schema/states/player-state.ts';
import type { Guilds } from '../server/guilds/index.ts';
import type { Inventory, VersionWatch } from '../server/inventory/index.ts';
import type { Idempotency } from '../server/ledger/index.ts';
import type { PlayerEvent, Players } from '../server/players/index.ts';
import type { Sessions } from '../server/sessions/index.ts';
import { authenticator, AuthenticatedRoom, refuseJoin, refuseStranger, SESSION_REPLACED_CLOSE_CODE, type RoomKit, type Seat } from './kit/authenticated-room.ts';
import { makeSpace } from './kit/encoder-space.ts';
import { GuildSeat } from './kit/guild-seat.ts';
import { PatchRound } from './kit/patch-round.ts';
import { readHoldings, writeDelta } from './kit/player-view.ts';

/** How soon a change is sent. */
const PATCH_MS = 50;

export interface PlayerRoomDeps {
  kit: RoomKit;
  players: Players;
  inventory: Inventory;
  versions: VersionWatch;
  idempotency: Idempotency;
  sessions: Sessions;
  guilds: Guilds;
  inviteToTrade: (from: PlayerRecord, to: PlayerId) => Promise<TradeId>;
  onResync: (cause: 'gap' | 'behind' | 'told') => void;
}

/** The `player` room: one player's session and private state. It learns of its own trades as anybody does: by delta. */
export function bindPlayerRoom(deps: PlayerRoomDeps) {
  const round = new PatchRound(PATCH_MS, deps.kit);
  return class PlayerRoom extends AuthenticatedRoom<PlayerState> {
    static override onAuth = authenticator(deps.kit.authenticate, (_options, playerId) => ({ playerId }));
    override maxClients = 1;
    override state = new PlayerState();
    protected override readonly kit = deps.kit;
    #playerId!: PlayerId;
    #epoch = 0;
    #profileHeardAt = 0;
    /** The newest session that was heard of, which may be newer than one's own before one knows that. */
    #newestEpoch = 0;
    #resyncing: Promise<void> | undefined;
    #guild!: GuildSeat;
    /** What came before the state was loaded, or while it was loaded again. */
    #early: InventoryDelta[] | undefined = [];
    readonly #stops: (() => void)[] = [];

    override onCreate(options: { playerId?: unknown }): void {
      this.openFor();
      const playerId = PlayerId.safeParse(options.playerId);
      if (!playerId.success) refuseJoin('UNAUTHENTICATED');
      this.#playerId = playerId.data;
      this.#stops.push(round.add(this));
      this.#guild = new GuildSeat(this.#playerId, this.state, deps.guilds, {
        send: (event) => this.broadcast('guild:event', event),
        report: (error) => deps.kit.report({ ref: this.roomId, type: 'player.guild', error }),
      });

      this.command('player:rename', Rename, async (actor, rename) => {
        const renamed = await deps.players.rename(actor, rename, this.#epoch);
        this.#guild.renamed(renamed.name);
        return renamed;
      });
      const self = () => ({ id: this.#playerId, epoch: this.#epoch });
      this.command('guild:create', CreateGuild, (_actor, body) => deps.guilds.create(self(), body));
      this.command('guild:accept', AcceptInvitation, (_actor, body) => deps.guilds.accept(self(), body));
      this.command('guild:decline', DeclineInvitation, async (actor, { guildId }) => {
        await deps.guilds.decline(actor, guildId);
        return {};
      });
      this.command('guild:invitations', ListInvitations, async (actor) => ({ invitations: await deps.guilds.invitations(actor) }));
      this.command('command:outcome', CommandOutcome, (actor, { commandId }) => deps.idempotency.outcome(actor, commandId));
      this.command('trade:invite', TradeInvite, async (actor, { playerId: invited }) => {
        if (invited === actor) throw new Refusal('TRADE_SELF');
        const found = await deps.players.read([actor, invited]);
        const from = found.get(actor);
        if (from === undefined || !found.has(invited)) throw new Refusal('UNKNOWN_PLAYER', { playerId: invited });
        return { tradeId: await deps.inviteToTrade(from, invited) };
      });
    }

    override async onJoin(client: Client): Promise<void> {
      // Whoever a seat was reserved for, the room is one player's.
      const seat = client.auth as Seat | undefined;
      if (seat?.playerId !== this.#playerId) refuseJoin('UNAUTHENTICATED');
      // Listen before reading: what commits in between is either read or heard.
      const listening = deps.players.listen(this.#playerId, (event) => this.#hear(event));
      this.#stops.push(() => listening.stop());
      await listening.ready;
      // Who left meanwhile takes the session from nobody.
      if (this.hasLeft(client)) refuseJoin('SESSION_REPLACED');
      this.#epoch = await deps.sessions.take(this.#playerId, this.roomId, seat.clientId).catch(refuseStranger);
      if (this.#newestEpoch > this.#epoch) refuseJoin('SESSION_REPLACED');
      await this.#load();
      this.#stops.push(
        deps.versions.add({
          key: this.#playerId,
          version: () => this.state.inventoryVersion,
          epoch: this.#epoch,
          onBehind: () => this.#resync('behind'),
          onDisplaced: (by) => this.#displaced(by),
          onProfile: ({ guildId, ...profile }, askedAt) => {
            if (askedAt <= this.#profileHeardAt) return;
            Object.assign(this.state, profile);
            this.#guild.enter(guildId);
          },
        }),
      );
    }

    override onDispose(): void {
      for (const stop of this.#stops) stop();
      const release = deps.sessions.release(this.#playerId, this.#epoch);
      // A room that refused to be created has no guild.
      (this.#guild as GuildSeat | undefined)?.leave(release);
    }

    #hear(event: PlayerEvent): void {
      switch (event.type) {
        case 'delta':
          return this.#take(event.delta);
        case 'resync':
          return this.#resync('told');
        case 'profile':
          this.#profileHeardAt = performance.now();
          Object.assign(this.state, { name: event.name ?? this.state.name, level: event.level ?? this.state.level, xp: event.xp ?? this.state.xp });
          return;
        case 'session:taken':
          this.#newestEpoch = Math.max(this.#newestEpoch, event.epoch);
          if (this.#epoch > 0 && event.epoch > this.#epoch) this.#displaced(event.clientId);
          return;
        case 'trade:invited':
          this.broadcast('trade:invited', { tradeId: event.tradeId, from: event.from, fromName: event.fromName });
          return;
        case 'guild':
          this.#profileHeardAt = performance.now();
          return this.#guild.enter(event.guildId);
        case 'guild:invited':
          this.broadcast('guild:invited', { guildId: event.guildId, name: event.name, from: event.from, fromName: event.fromName });
      }
    }

    #take(delta: InventoryDelta): void {
      if (this.#early !== undefined) {
        this.#early.push(delta);
        return;
      }
      const plan = planDelta(this.state.inventoryVersion, delta.version);
      if (plan === 'apply') this.#write(delta);
      if (plan === 'resync') this.#resync('gap');
    }

    /** Reads the truth and shows what of it is not shown yet, then what was heard meanwhile. [DS4] */
    async #load(): Promise<void> {
      const askedAt = performance.now();
      const [record, holdings] = await Promise.all([deps.players.read([this.#playerId]), deps.inventory.reload(this.#playerId)]);
      const profile = record.get(this.#playerId);
      if (profile === undefined) refuseJoin('UNAUTHENTICATED');
      const { name, region, level, xp, guildId } = profile;
      Object.assign(this.state, { playerId: this.#playerId, name, region, level, xp });
      if (askedAt > this.#profileHeardAt) this.#guild.enter(guildId);
      if (holdings.version >= this.state.inventoryVersion) this.#write(diffHoldings(this.#playerId, readHoldings(this.state), holdings));
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const delta of early) this.#take(delta);
    }

    #write(delta: InventoryDelta): void {
      makeSpace(this, writeDelta(this.state, delta));
    }

    #resync(cause: 'gap' | 'behind' | 'told'): void {
      if (this.#resyncing !== undefined) return;
      deps.onResync(cause);
      this.#early ??= [];
      this.#resyncing = this.#load()
        // Still behind then: the version comparison finds it again.
        .catch((error: unknown) => deps.kit.report({ ref: this.roomId, type: 'player.resync', error }))
        .finally(() => {
          this.#early = undefined;
          this.#resyncing = undefined;
        });
    }

    #displaced(by?: ClientId): void {
      // Who came back, and displaced itself, is not told that somebody else did: a join that had seemed lost can come through late.
      for (const client of this.clients) if (by !== undefined && (client.auth as Seat).clientId === by) client.leave(SESSION_REPLACED_CLOSE_CODE, 'SAME_CLIENT');
      // A seat that is kept for a dropped client is the displaced session's too.
      void this.disconnect(SESSION_REPLACED_CLOSE_CODE).catch((error: unknown) => deps.kit.report({ ref: this.roomId, type: 'player.displaced', error }));
    }
  };
}
