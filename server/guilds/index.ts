export type { GuildNews, Subscription } from '../../persistence/index.ts';
export type { GuildDeed } from './actions.ts';
export { Guilds, type Actor, type GuildsDeps } from './guilds.ts';
