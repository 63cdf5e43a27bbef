import { z } from 'zod';
import { CommandId } from '../ids.ts';

export const Move = z.strictObject({ x: z.number().min(-1e6).max(1e6), y: z.number().min(-1e6).max(1e6) });
export type Move = z.output<typeof Move>;

export const Gather = z.strictObject({ commandId: CommandId, nodeId: z.string().min(1).max(64) });
export type Gather = z.output<typeof Gather>;
export interface GatherAnswer {
  asset: string;
  quantity: number;
}

/** The room option of `joinOrCreate("zone", …)`. */
export const ZoneName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
