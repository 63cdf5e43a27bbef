import { z } from 'zod';
import { BoardName, RegionName, ScoreRule, ScoreSource } from './leaderboard.ts';
import { AssetName, QUANTITY_MAX } from './quantities.ts';

/** Something that can be owned: counted when fungible, one by one when unique. */
export const Asset = z.strictObject({
  name: AssetName,
  title: z.string().min(1).max(64),
  icon: z.string().regex(/^[a-z0-9-]{1,32}$/),
  type: z.enum(['fungible', 'unique']),
  bound: z.boolean().default(false),
  /** How many one slot on the screen shows; presentation only. */
  stack: z.int().min(1).max(QUANTITY_MAX),
});
export type Asset = z.output<typeof Asset>;

const coordinate = z.number().min(0).max(100_000);

export const ResourceNode = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]{1,64}$/),
    asset: AssetName,
    x: coordinate,
    y: coordinate,
    /** Loot is a whole number from `min` to `max`, each as likely. */
    min: z.int().min(1).max(1_000_000),
    max: z.int().min(1).max(1_000_000),
    cooldownMs: z.int().min(0).max(86_400_000),
    xp: z.int().min(0).max(1_000_000),
  })
  .refine((node) => node.min <= node.max, 'min must not exceed max');
export type ResourceNode = z.output<typeof ResourceNode>;

export const Zone = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  title: z.string().min(1).max(64),
  width: coordinate,
  height: coordinate,
  spawn: z.strictObject({ x: coordinate, y: coordinate }),
  /** Units per second. */
  speed: z.number().positive().max(10_000),
  /** How far a player may stand from a node that they gather, in units. */
  reach: z.number().positive().max(10_000),
  nodes: z.array(ResourceNode).max(1_000),
});
export type Zone = z.output<typeof Zone>;

/** What a rank may do. `withdrawPerDay`: so many of each asset and so many items, by UTC days; absent means without a limit. */
export const RankRules = z.strictObject({
  invite: z.boolean().default(false),
  kick: z.boolean().default(false),
  /** To give ranks below one's own to those who stand lower. */
  rank: z.boolean().default(false),
  motd: z.boolean().default(false),
  log: z.boolean().default(false),
  deposit: z.boolean().default(true),
  withdrawPerDay: z.strictObject({ fungibles: z.int().min(0).max(QUANTITY_MAX), items: z.int().min(0).max(100_000) }).optional(),
});
export type RankRules = z.output<typeof RankRules>;

/** The leader may do everything, without a limit. */
export const GuildRules = z.strictObject({
  membersMax: z.int().min(1).max(500),
  bankItemsMax: z.int().min(0).max(5_000),
  officer: RankRules,
  member: RankRules,
});
export type GuildRules = z.output<typeof GuildRules>;

export const GUILD_RULES: GuildRules = {
  membersMax: 50,
  bankItemsMax: 500,
  officer: { invite: true, kick: true, rank: false, motd: true, log: true, deposit: true, withdrawPerDay: { fungibles: 10_000, items: 25 } },
  member: { invite: false, kick: false, rank: false, motd: false, log: false, deposit: true, withdrawPerDay: { fungibles: 1_000, items: 3 } },
};

/** Where players are at home; the first one is where they are unless they say so. */
const Regions = z.array(RegionName).min(1).max(64);
export const REGIONS = ['eu'];

export const Board = z.strictObject({
  name: BoardName,
  title: z.string().min(1).max(64),
  /** Which score is the better one: the higher, or the lower. */
  order: z.enum(['descending', 'ascending']).default('descending'),
  rule: ScoreRule,
  /** What in the game feeds it; without one only the service does. */
  source: ScoreSource.optional(),
  /** Absent: all of the catalogue's. Who is at home elsewhere stands in the first of them. */
  regions: Regions.optional(),
  /** When a season ends and the next begins: a cron pattern in UTC. Absent: one season, for ever. */
  season: z.string().min(1).max(100).optional(),
  /** How many places of each region are kept for reading; beyond it a player has a score and no rank. */
  keep: z.int().min(100).max(100_000_000).default(10_000_000),
});
export type Board = z.output<typeof Board>;

export const CatalogFile = z.strictObject({
  assets: z.array(Asset).min(1).max(10_000),
  zones: z.array(Zone).min(1).max(1_000),
  guilds: GuildRules.default(GUILD_RULES),
  regions: Regions.default(REGIONS),
  boards: z.array(Board).max(100).default([]),
});
export type CatalogFile = z.output<typeof CatalogFile>;
