import type { GuildWants } from '../../persistence/index.ts';
import type { GuildRank } from '../../schema/guild.ts';
import type { CommandId, GuildId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';

/** What somebody asks of a guild, with the session that they ask in. */
export type GuildAction = {
  actor: PlayerId;
  /** Of the actor's session. */
  epoch: number;
  commandId: CommandId;
  hash: Buffer;
} & GuildDeed;

export type GuildDeed =
  | { type: 'accept' }
  | { type: 'invite'; subject: PlayerId }
  | { type: 'kick'; subject: PlayerId }
  | { type: 'rank'; subject: PlayerId; rank: GuildRank }
  | { type: 'leave' }
  | { type: 'disband' }
  | { type: 'motd'; motd: string }
  | { type: 'deposit' | 'withdraw'; items: readonly ItemId[]; fungibles: Readonly<Record<string, number>> };

export type BankAction = Extract<GuildAction, { type: 'deposit' | 'withdraw' }>;

export const isBankAction = (action: GuildAction): action is BankAction => action.type === 'deposit' || action.type === 'withdraw';

/** How many postings it may make. */
export const weightOf = (action: GuildAction): number => (isBankAction(action) ? action.items.length + Object.keys(action.fungibles).length : 0);

/** The players whose rows an action reads or writes. */
export function playersOf(actions: readonly GuildAction[]): PlayerId[] {
  return [...new Set(actions.flatMap((action) => ('subject' in action ? [action.actor, action.subject] : [action.actor])))];
}

/** What must be read under the locks to decide these actions. */
export function wantsOf(guildId: GuildId, actions: readonly GuildAction[]): GuildWants {
  const bank = actions.filter(isBankAction);
  const comes = actions.some(({ type }) => type === 'accept' || type === 'invite');
  const ends = actions.some(({ type }) => type === 'leave' || type === 'disband');
  const giverOf = ({ type, actor }: BankAction): HolderId => (type === 'deposit' ? actor : guildId);
  const balances = new Map(bank.flatMap(({ actor, fungibles }) => Object.keys(fungibles).flatMap((asset) => [actor, guildId].map((holder) => [`${holder} ${asset}`, [holder, asset] as const]))));
  const items = new Map(bank.flatMap((action) => action.items.map((item) => [`${giverOf(action)} ${item}`, [giverOf(action), item] as const])));
  return {
    players: playersOf(actions),
    memberCount: comes || ends,
    invitations: comes,
    taken: actions.some(({ type }) => type === 'withdraw'),
    // Who leads next, or whose membership ends with the guild's.
    everyone: ends,
    bankSize: ends || bank.some(({ type, items: moved }) => type === 'deposit' && moved.length > 0),
    items: [...items.values()],
    balances: [...balances.values()],
    commands: actions.map(({ actor, commandId }) => [actor, commandId]),
  };
}
