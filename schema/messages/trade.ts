import { z } from 'zod';
import { CommandId, ItemId } from '../ids.ts';
import { Fungibles, POSTINGS_MAX } from '../quantities.ts';

const distinct = (ids: readonly string[]) => new Set(ids).size === ids.length;

export const Offer = z.strictObject({
  items: z.array(ItemId).max(POSTINGS_MAX).refine(distinct, 'an item may be offered once'),
  fungibles: Fungibles,
});
export type Offer = z.output<typeof Offer>;
export interface OfferAnswer {
  /** The revision that the offer made. */
  revision: number;
}

export const Accept = z.strictObject({ commandId: CommandId, revision: z.int().nonnegative().max(0xffff_ffff) });
export type Accept = z.output<typeof Accept>;
export interface AcceptAnswer {
  status: 'waiting' | 'settled';
}

export const Cancel = z.strictObject({});
export type Cancel = z.output<typeof Cancel>;
