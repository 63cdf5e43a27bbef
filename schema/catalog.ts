import { z } from 'zod';
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

export const CatalogFile = z.strictObject({ assets: z.array(Asset).min(1).max(10_000), zones: z.array(Zone).min(1).max(1_000) });
export type CatalogFile = z.output<typeof CatalogFile>;
