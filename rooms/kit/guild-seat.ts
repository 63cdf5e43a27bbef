import type { GuildId, PlayerId } from '../../schema/ids.ts';
import type { GuildEvent } from '../../schema/messages/guild.ts';
import type { PlayerState } from '../../schema/states/player-state.ts';
import type { GuildNews, Guilds, Subscription } from '../../server/guilds/index.ts';

export interface GuildSeatOptions {
  send: (event: GuildEvent) => void;
  report: (error: unknown) => void;
}

/**
 * A player's place in a guild, as the player's own room has it: which and of what rank, what happens there, and that the
 * player is there. [GN1] [GN2]
 */
export class GuildSeat {
  readonly #playerId: PlayerId;
  readonly #state: PlayerState;
  readonly #guilds: Guilds;
  readonly #options: GuildSeatOptions;
  #entered: { guildId: GuildId; listening: Subscription } | undefined;

  constructor(playerId: PlayerId, state: PlayerState, guilds: Guilds, options: GuildSeatOptions) {
    this.#playerId = playerId;
    this.#state = state;
    this.#guilds = guilds;
    this.#options = options;
  }

  /** The guild that the player is in now; the same again shows the rank anew. */
  enter(guildId: GuildId | null): void {
    if (this.#entered?.guildId !== guildId) {
      this.#stop();
      this.#state.guildId = guildId ?? '';
      this.#state.guildRank = '';
      if (guildId !== null) {
        this.#entered = { guildId, listening: this.#guilds.listen(guildId, (news) => this.#hear(guildId, news)) };
        this.#say(true);
      }
    }
    if (guildId !== null) void this.#showRank(guildId);
  }

  renamed(name: string): void {
    if (this.#entered) this.#guilds.tell(this.#entered.guildId, { type: 'renamed', playerId: this.#playerId, name });
  }

  /** @param released whether nobody has the player's session any more; one who only changed rooms is still there */
  leave(released: Promise<boolean>): void {
    const entered = this.#entered;
    this.#stop();
    if (entered) void released.then((isGone) => isGone && this.#guilds.tell(entered.guildId, { type: 'presence', playerId: this.#playerId, name: this.#state.name, online: false }));
  }

  #stop(): void {
    this.#entered?.listening.stop();
    this.#entered = undefined;
  }

  #say(online: boolean): void {
    if (this.#entered) this.#guilds.tell(this.#entered.guildId, { type: 'presence', playerId: this.#playerId, name: this.#state.name, online });
  }

  #hear(guildId: GuildId, news: GuildNews): void {
    switch (news.type) {
      case 'presence':
        if (news.playerId !== this.#playerId) this.#options.send({ guildId, event: news.online ? 'online' : 'offline', playerId: news.playerId, name: news.name });
        return;
      case 'changed':
        for (const { event, actor, actorName, subject, subjectName, details } of news.log) {
          this.#options.send({ guildId, event, playerId: actor, name: actorName, ...(subject !== null && { subject, subjectName: subjectName ?? '' }), ...details });
        }
        if (news.members.set.some(({ playerId }) => playerId === this.#playerId)) this.#state.guildRank = news.members.set.find(({ playerId }) => playerId === this.#playerId)?.rank ?? '';
        return;
      case 'resync':
        return void this.#showRank(guildId);
      case 'renamed':
    }
  }

  async #showRank(guildId: GuildId): Promise<void> {
    try {
      const rank = await this.#guilds.rankOf(guildId, this.#playerId);
      if (rank !== undefined && this.#entered?.guildId === guildId) this.#state.guildRank = rank;
    } catch (error) {
      // The next comparison of versions shows it.
      this.#options.report(error);
    }
  }
}
