import type { Client } from '@colyseus/core';
import { BoardName, GLOBAL, RegionName, type BoardRows } from '../schema/leaderboard.ts';
import { AmongGuild, Around } from '../schema/messages/leaderboard.ts';
import { Refusal } from '../schema/refusals.ts';
import { LeaderboardRow, LeaderboardState } from '../schema/states/leaderboard-state.ts';
import type { Guilds } from '../server/guilds/index.ts';
import type { Leaderboards } from '../server/leaderboards/index.ts';
import type { Players } from '../server/players/index.ts';
import { authenticator, AuthenticatedRoom, refuseJoin, type RoomKit, type Seat } from './kit/authenticated-room.ts';
import { LARGE_STATE_BYTES, makeSpace } from './kit/encoder-space.ts';

const ONLOOKERS_MAX = 500;

export interface LeaderboardRoomDeps {
  kit: RoomKit;
  leaderboards: Leaderboards;
  guilds: Pick<Guilds, 'look'>;
  players: Pick<Players, 'read' | 'has'>;
}

/** The `leaderboard` room: the best of a board or of one region of it, for whoever is signed in. It shows what its process reads once a second for all. [LB9] */
export function bindLeaderboardRoom({ kit, leaderboards, guilds, players }: LeaderboardRoomDeps) {
  return class LeaderboardRoom extends AuthenticatedRoom<LeaderboardState> {
    static override onAuth = authenticator(kit.authenticate, ({ board, region = GLOBAL }) => {
      const name = BoardName.safeParse(board);
      const where = region === GLOBAL ? { success: true as const, data: GLOBAL } : RegionName.safeParse(region);
      if (!name.success || !where.success || !leaderboards.has(name.data, where.data)) refuseJoin('BAD_REQUEST');
      return { board: name.data, region: where.data };
    });
    override maxClients = ONLOOKERS_MAX;
    override state = new LeaderboardState();
    protected override readonly kit = kit;
    #stopWatching: (() => void) | undefined;

    override async onCreate({ board, region }: { board: string; region: string }): Promise<void> {
      this.openFor();
      makeSpace(this, LARGE_STATE_BYTES);
      Object.assign(this.state, { board, region });
      this.command('leaderboard:around', Around, (actor, { playerId = actor, radius }) => leaderboards.around(board, playerId, region, radius));
      this.command('leaderboard:guild', AmongGuild, async (actor) => {
        const guildId = (await players.read([actor])).get(actor)?.guildId;
        const guild = guildId === null || guildId === undefined ? undefined : await guilds.look(guildId);
        if (guild === undefined) throw new Refusal('GUILD_NOT_FOUND');
        return await leaderboards.among(board, [...guild.members.keys()], region);
      });
      this.#show(await leaderboards.top(board, region));
      this.#stopWatching = leaderboards.watch(board, region, (rows) => this.#show(rows));
    }

    override async onJoin(client: Client): Promise<void> {
      const { playerId } = client.auth as Seat;
      if (!(await players.has(playerId))) refuseJoin('UNAUTHENTICATED');
    }

    override onDispose(): void {
      this.#stopWatching?.();
    }

    /** Row by row, so that what stays as it was is not sent. */
    #show({ season, rows, missing }: BoardRows): void {
      const { top } = this.state;
      if (this.state.season !== season) this.state.season = season;
      if (this.state.missing.join() !== missing.join()) this.state.missing.splice(0, this.state.missing.length, ...missing);
      for (const [at, { rank, playerId, name, score, region }] of rows.entries()) {
        const row = top[at];
        if (row === undefined) top.push(new LeaderboardRow({ rank, playerId, name, score, region }));
        else Object.assign(row, changesOf(row, { rank, playerId, name, score, region }));
      }
      if (top.length > rows.length) top.splice(rows.length, top.length - rows.length);
    }
  };
}

type Shown = Pick<LeaderboardRow, 'rank' | 'playerId' | 'name' | 'score' | 'region'>;

function changesOf(row: Shown, next: Shown): Partial<Shown> {
  return Object.fromEntries(Object.entries(next).filter(([field, value]) => row[field as keyof Shown] !== value));
}
