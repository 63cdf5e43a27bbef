import { createHash, randomUUID } from 'node:crypto';
import type { GuildPlayerRow, GuildRow, GuildSnapshot } from '../../persistence/index.ts';
import { GUILD_RULES, type GuildRules } from '../../schema/catalog.ts';
import type { GuildRank } from '../../schema/guild.ts';
import type { CommandId, GuildId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import type { GuildAction, GuildDeed } from '../../server/guilds/actions.ts';
import { decideActions, type ActionOutcome, type DecidedActions } from '../../server/guilds/decide.ts';

export const GUILD = randomUUID() as GuildId;

export interface Held {
  holder: HolderId;
  bound?: boolean;
}

export interface Stage {
  /** By rank, in the order of joining; `none` is a stranger. */
  members?: Partial<Record<PlayerId, GuildRank>>;
  strangers?: readonly PlayerId[];
  invited?: readonly PlayerId[];
  elsewhere?: readonly PlayerId[];
  gold?: Partial<Record<HolderId, number>>;
  items?: Partial<Record<ItemId, Held>>;
  taken?: Partial<Record<PlayerId, Record<string, number>>>;
  known?: Partial<Record<CommandId, { hash: Buffer; answer: unknown }>>;
  guild?: Partial<GuildRow> | null;
  rules?: Partial<GuildRules>;
  frozen?: readonly PlayerId[];
  paused?: readonly string[];
  holders?: readonly HolderId[];
  mayEnd?: boolean;
}

/** A guild and its players as if read under the locks. */
export function snapshotOf({ members = {}, strangers = [], invited = [], elsewhere = [], gold = {}, items = {}, taken = {}, known = {}, guild = {}, frozen = [], paused = [] }: Stage): GuildSnapshot {
  const ranks = Object.entries(members) as [PlayerId, GuildRank][];
  const row = (playerId: PlayerId, guildId: GuildId | null): [PlayerId, GuildPlayerRow] => [playerId, { name: `name of ${playerId}`, guildId, epoch: 1, frozen: frozen.includes(playerId), isInvited: invited.includes(playerId) }];
  const bankGold = gold[GUILD] ?? 0;
  const bankItems = Object.values(items).filter((item) => item?.holder === GUILD).length;
  return {
    guild: guild === null ? undefined : {
      id: GUILD, name: 'Order', tag: 'ORD', motd: '', version: 7, logged: 3, now: 1_000, memberCount: ranks.length, members: ranks.map(([playerId, rank], joinedAt) => ({ playerId, rank, joinedAt })),
      taken: new Map(Object.entries(taken) as [PlayerId, Record<string, number>][]), bankItems, bankIsEmpty: bankGold === 0 && bankItems === 0, ...guild,
    },
    players: new Map([...ranks.map(([playerId]) => row(playerId, GUILD)), ...[...strangers, ...invited].map((playerId) => row(playerId, null)), ...elsewhere.map((playerId) => row(playerId, randomUUID() as GuildId))]),
    paused: new Set(paused),
    balance: (holder, asset) => (asset === 'gold' ? (gold[holder] ?? 0) : 0),
    item: (id) => {
      const item = items[id];
      return item && { holder: item.holder, version: 4, kind: 'sword', attributes: {}, bound: item.bound ?? false };
    },
    known: (_actor, id) => known[id],
  };
}

export function action(actor: PlayerId, deed: GuildDeed, more: Partial<Pick<GuildAction, 'epoch' | 'commandId'>> = {}): GuildAction {
  return { actor, epoch: 1, commandId: randomUUID() as CommandId, hash: createHash('sha256').update(JSON.stringify(deed)).digest(), ...more, ...deed };
}

export function decideOn(stage: Stage, ...actions: GuildAction[]): DecidedActions {
  const snapshot = snapshotOf(stage);
  const holders = new Set<HolderId>(stage.holders ?? [GUILD, ...snapshot.players.keys()]);
  return decideActions(snapshot, actions, { rules: { ...GUILD_RULES, ...stage.rules }, holders, mayEnd: stage.mayEnd ?? true });
}

/** `done`, `again`, or the code of the refusal. */
export const verdicts = ({ outcomes }: DecidedActions): string[] => outcomes.map((outcome: ActionOutcome) => (outcome.status === 'refused' ? outcome.code : outcome.status));
