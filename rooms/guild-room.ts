import type { Client } from '@colyseus/core';
import { GuildId, type CommandId, type PlayerId } from '../schema/ids.ts';
import { planDelta } from '../schema/inventory-delta.ts';
import { ChangeMotd, ChangeRank, Deposit, DisbandGuild, InviteToGuild, KickFromGuild, LeaveGuild, Withdraw, type GuildAnswer } from '../schema/messages/guild.ts';
import { Refusal } from '../schema/refusals.ts';
import { GuildState } from '../schema/states/guild-state.ts';
import type { GuildDeed, GuildNews, Guilds } from '../server/guilds/index.ts';
import type { VersionWatch } from '../server/inventory/index.ts';
import type { Follower, Sessions } from '../server/sessions/index.ts';
import { authenticator, AuthenticatedRoom, refuseJoin, refuseStranger, type RoomKit, type Seat } from './kit/authenticated-room.ts';
import { LARGE_STATE_BYTES, makeSpace } from './kit/encoder-space.ts';
import { showGuild, showOnline, writeGuildNews } from './kit/guild-view.ts';

/** Closed because the player is no member any more, or there is no guild. */
export const GUILD_LEFT_CLOSE_CODE = 4101;
/** From the end of a membership until who asked for it has been answered. */
const ANSWERED_MS = 100;
/** Who dies says nothing: how long until the others see it. */
const PRESENCE_LOOK_MS = 5_000;

export interface GuildRoomDeps {
  kit: RoomKit;
  guilds: Guilds;
  guildVersions: VersionWatch;
  sessions: Sessions;
}

interface Sitting {
  client: Client;
  session: Follower;
}

/**
 * The `guild` room: what members see of their guild. It only shows: there may be two of one guild, in two processes, and when
 * one dies the next one is opened from PostgreSQL. [GU8]
 */
export function bindGuildRoom(deps: GuildRoomDeps) {
  return class GuildRoom extends AuthenticatedRoom<GuildState> {
    static override onAuth = authenticator(deps.kit.authenticate, ({ guildId }) => {
      const id = GuildId.safeParse(guildId);
      return id.success ? { guildId: id.data } : refuseJoin('BAD_REQUEST');
    });
    override state = new GuildState();
    protected override readonly kit = deps.kit;
    #guildId!: GuildId;
    /** What was heard before the state was loaded, or while it was loaded again. */
    #early: GuildNews[] | undefined = [];
    #resyncing: Promise<void> | undefined;
    readonly #sitting = new Map<PlayerId, Sitting>();
    readonly #stops: (() => void)[] = [];

    override async onCreate({ guildId }: { guildId: GuildId }): Promise<void> {
      this.openFor();
      this.#guildId = guildId;
      makeSpace(this, LARGE_STATE_BYTES);
      this.#bindCommands();
      const listening = deps.guilds.listen(guildId, (news) => this.#hear(news));
      this.#stops.push(() => listening.stop());
      await listening.ready;
      if (!(await this.#load())) refuseJoin('GUILD_NOT_FOUND');
      this.#stops.push(deps.guildVersions.add({ key: guildId, version: () => this.state.version, epoch: 0, onBehind: () => this.#resync(), onGone: () => this.#end() }));
      this.clock.setInterval(() => void this.#lookWhoIsThere(), PRESENCE_LOOK_MS);
    }

    override async onJoin(client: Client): Promise<void> {
      const seat = client.auth as Seat;
      const { playerId } = seat;
      // Who has just joined through another process may be known here a moment later.
      if (!this.state.members.has(playerId)) await this.#load();
      if (!this.state.members.has(playerId)) refuseJoin('GUILD_FORBIDDEN');
      const session = await deps.sessions.follow(seat, () => this.closeReplaced(client)).catch(refuseStranger);
      const before = this.#sitting.get(playerId);
      this.#sitting.set(playerId, { client, session });
      if (before === undefined) return;
      before.session.stop();
      this.closeReplaced(before.client);
    }

    override onLeave(client: Client): void {
      const { playerId } = client.auth as Seat;
      const sitting = this.#sitting.get(playerId);
      if (sitting?.client.sessionId !== client.sessionId) return;
      sitting.session.stop();
      this.#sitting.delete(playerId);
    }

    override onDispose(): void {
      for (const stop of this.#stops) stop();
      for (const { session } of this.#sitting.values()) session.stop();
    }

    #bindCommands(): void {
      this.command('guild:invite', InviteToGuild, (actor, { commandId, playerId }) => this.#act(actor, commandId, { type: 'invite', subject: playerId }));
      this.command('guild:kick', KickFromGuild, (actor, { commandId, playerId }) => this.#act(actor, commandId, { type: 'kick', subject: playerId }));
      this.command('guild:rank', ChangeRank, (actor, { commandId, playerId, rank }) => this.#act(actor, commandId, { type: 'rank', subject: playerId, rank }));
      this.command('guild:leave', LeaveGuild, (actor, { commandId }) => this.#act(actor, commandId, { type: 'leave' }));
      this.command('guild:disband', DisbandGuild, (actor, { commandId }) => this.#act(actor, commandId, { type: 'disband' }));
      this.command('guild:motd', ChangeMotd, (actor, { commandId, motd }) => this.#act(actor, commandId, { type: 'motd', motd }));
      this.command('guild:deposit', Deposit, (actor, { commandId, items, fungibles }) => this.#act(actor, commandId, { type: 'deposit', items, fungibles }));
      this.command('guild:withdraw', Withdraw, (actor, { commandId, items, fungibles }) => this.#act(actor, commandId, { type: 'withdraw', items, fungibles }));
    }

    async #act(actor: PlayerId, commandId: CommandId, deed: GuildDeed): Promise<GuildAnswer> {
      const session = this.#sitting.get(actor)?.session;
      if (session === undefined) throw new Refusal('SESSION_REPLACED');
      return await deps.guilds.act(this.#guildId, { id: actor, epoch: session.epoch }, commandId, deed);
    }

    #hear(news: GuildNews): void {
      if (this.#early !== undefined) {
        this.#early.push(news);
        return;
      }
      const member = news.type === 'presence' || news.type === 'renamed' ? this.state.members.get(news.playerId) : undefined;
      if (news.type === 'presence' && member) member.online = news.online;
      if (news.type === 'renamed' && member) member.name = news.name;
      if (news.type === 'resync') this.#resync();
      if (news.type !== 'changed') return;
      const plan = planDelta(this.state.version, news.version);
      if (plan === 'resync') this.#resync();
      if (plan !== 'apply') return;
      writeGuildNews(this.state, news);
      this.#closeStrangers();
      if (news.disbanded) this.#end();
    }

    /** Reads the truth, shows it, then what was heard meanwhile. @returns whether there is such a guild */
    async #load(): Promise<boolean> {
      this.#early ??= [];
      const found = await deps.guilds.whole(this.#guildId);
      if (found !== undefined && found.guild.version >= this.state.version) showGuild(this.state, found.guild, found.members);
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const news of early) this.#hear(news);
      await this.#lookWhoIsThere();
      this.#closeStrangers();
      return found !== undefined;
    }

    #resync(): void {
      if (this.#resyncing !== undefined) return;
      this.#resyncing = this.#load()
        .then((exists) => void (exists || this.#end()))
        // Still behind then: the comparison of versions finds it again.
        .catch((error: unknown) => deps.kit.report({ ref: this.roomId, type: 'guild.resync', error }))
        .finally(() => {
          this.#early = undefined;
          this.#resyncing = undefined;
        });
    }

    async #lookWhoIsThere(): Promise<void> {
      showOnline(this.state, await deps.sessions.online([...this.state.members.keys()] as PlayerId[]));
    }

    /** Who is no member any more has seen the last of it. */
    #closeStrangers(): void {
      for (const [playerId, { client }] of this.#sitting) {
        if (!this.state.members.has(playerId)) this.clock.setTimeout(() => this.#isStranger(playerId) && this.closeSeat(client, GUILD_LEFT_CLOSE_CODE, 'GUILD_FORBIDDEN'), ANSWERED_MS);
      }
    }

    #isStranger(playerId: PlayerId): boolean {
      return !this.state.members.has(playerId);
    }

    #end(): void {
      this.clock.setTimeout(() => void this.disconnect(GUILD_LEFT_CLOSE_CODE).catch((error: unknown) => deps.kit.report({ ref: this.roomId, type: 'guild.end', error })), ANSWERED_MS);
    }
  };
}
