import type { GuildInvitation } from '../../schema/guild.ts';
import type { GuildId } from '../../schema/ids.ts';
import type { GuildEvent, GuildInvited } from '../../schema/messages/guild.ts';
import { cell, type Cell, type LinkStatus, type RoomLink } from '../client/index.ts';
import type { ClientSession } from './client-session.ts';
import { newsText, readNews } from './guild-news.ts';
import { readGuild, type GuildView } from './guild-view.ts';
import { failureText } from './refusal-text.ts';

/** How the guild's room is; `none` outside of any guild. */
export type GuildStanding = LinkStatus['kind'] | 'none';

export interface GuildInvitations {
  list: readonly GuildInvitation[];
  /** Why the list is not there, or not the newest. */
  problem: string;
}

/** The player's guild as long as there is one, and the invitations while there is none. */
export class GuildSession {
  readonly view: Cell<GuildView | undefined> = cell<GuildView | undefined>(undefined);
  readonly standing: Cell<GuildStanding> = cell<GuildStanding>('joining');
  readonly invitations: Cell<GuildInvitations> = cell<GuildInvitations>({ list: [], problem: '' });
  /** Why there is no guild any more; empty until one was lost. */
  readonly notice: Cell<string> = cell('');
  readonly #session: ClientSession;
  readonly #stops: (() => void)[];
  #link: RoomLink<'guild'> | undefined;
  #guildId: string | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
    this.#stops = [
      session.player.watchNow((player) => player && this.#follow(player.guildId)),
      session.playerRoom.on('guild:invited', () => void this.refreshInvitations()),
      session.playerRoom.on('guild:event', (event) => this.#heard(event)),
    ];
  }

  get selfId(): string | undefined {
    return this.#session.player.get()?.playerId;
  }

  /** Hears of what others do. */
  onEvent(listener: (event: GuildEvent) => void): void {
    this.#stops.push(this.#session.playerRoom.on('guild:event', listener));
  }

  onInvited(listener: (invited: GuildInvited) => void): void {
    this.#stops.push(this.#session.playerRoom.on('guild:invited', listener));
  }

  /** A request of the guild's room, as members make it. @throws {Refused | AnswerLost} */
  readonly request: RoomLink<'guild'>['request'] = (type, payload, options) => {
    if (!this.#link) throw new Error(`${type} was asked outside of any guild`);
    return this.#link.request(type, payload, options);
  };

  async create(name: string, tag: string): Promise<void> {
    await this.#session.playerRoom.request('guild:create', { name, tag });
  }

  async accept(guildId: GuildId): Promise<void> {
    await this.#session.playerRoom.request('guild:accept', { guildId });
  }

  async decline(guildId: GuildId): Promise<void> {
    await this.#session.playerRoom.request('guild:decline', { guildId });
    await this.refreshInvitations();
  }

  async leave(): Promise<void> {
    const name = this.view.get()?.name ?? '';
    await this.request('guild:leave', {});
    this.notice.set(`You left ${name}.`);
  }

  async disband(): Promise<void> {
    const name = this.view.get()?.name ?? '';
    await this.request('guild:disband', {});
    this.notice.set(`You disbanded ${name}.`);
  }

  async refreshInvitations(): Promise<void> {
    try {
      const { invitations } = await this.#session.playerRoom.request('guild:invitations', {});
      this.invitations.set({ list: invitations, problem: '' });
    } catch (error) {
      this.invitations.set({ ...this.invitations.get(), problem: failureText(error) });
    }
  }

  /** From `gone` or `lost`: asks for the room again. */
  comeBack(): void {
    this.#link?.start();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#link?.close();
  }

  #follow(guildId: string): void {
    if (guildId === this.#guildId) return;
    const lost = this.view.get();
    this.#guildId = guildId;
    this.#link?.close();
    this.#link = undefined;
    this.view.set(undefined);
    if (guildId) return this.#enter(guildId);
    if (lost && !this.notice.get()) this.notice.set(`You are not in ${lost.name} any more.`);
    this.standing.set('none');
    void this.refreshInvitations();
  }

  #enter(guildId: string): void {
    const link = this.#session.guild(guildId);
    this.#link = link;
    this.notice.set('');
    this.invitations.set({ list: [], problem: '' });
    link.onState((state) => {
      if (this.#link === link) this.view.set(readGuild(state, this.selfId) ?? this.view.get());
    });
    link.status.watchNow(({ kind }) => {
      if (this.#link === link) this.standing.set(kind);
    });
  }

  /** Being put out is said by name, whether the event or the player's own state comes first. */
  #heard(event: GuildEvent): void {
    const out = event.event === 'disband' || (event.event === 'kick' && event.subject === this.selfId);
    if (out && event.playerId !== this.selfId) this.notice.set(newsText(readNews(event), this.selfId));
  }
}
