import express, { type Request, type Router } from 'express';
import { z } from 'zod';
import { GuildId, type PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Guilds } from '../guilds/index.ts';
import type { Players } from '../players/index.ts';
import type { Sessions } from '../sessions/index.ts';

const PAGE_MAX = 200;
const Page = z.object({ before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).default(Number.MAX_SAFE_INTEGER), limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50) });

export interface GuildRoutesOptions {
  guilds: Guilds;
  sessions: Pick<Sessions, 'online'>;
  players: Pick<Players, 'has'>;
  /** Who bears a token. @throws when it is not ours */
  identify: (token: string | undefined) => Promise<{ playerId: PlayerId }>;
}

/** What members may read of their guild without its room: who is in it, and, by rank, all of its log. */
export function guildRoutes({ guilds, sessions, players, identify }: GuildRoutesOptions): Router {
  const routes = express.Router();
  const reader = async ({ headers: { authorization } }: Request): Promise<PlayerId> => {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
    const { playerId } = await identify(token).catch(() => {
      throw new Refusal('UNAUTHENTICATED');
    });
    if (!(await players.has(playerId))) throw new Refusal('UNAUTHENTICATED');
    return playerId;
  };
  routes.get('/:guildId', async (request, response) => {
    const playerId = await reader(request);
    const guild = await guilds.look(GuildId.parse(request.params.guildId));
    if (guild === undefined) throw new Refusal('GUILD_NOT_FOUND');
    if (!guild.members.has(playerId)) throw new Refusal('GUILD_FORBIDDEN');
    const online = await sessions.online([...guild.members.keys()]);
    const members = [...guild.members.values()].map((member) => ({ ...member, online: online.has(member.playerId) }));
    response.json({ guildId: guild.id, name: guild.name, tag: guild.tag, version: guild.version, members });
  });
  routes.get('/:guildId/log', async (request, response) => {
    const playerId = await reader(request);
    const { before, limit } = Page.parse(request.query);
    const entries = await guilds.log(GuildId.parse(request.params.guildId), playerId, before, limit);
    response.json({ entries, next: entries.length === limit ? (entries.at(-1)?.seq ?? null) : null });
  });
  return routes;
}
