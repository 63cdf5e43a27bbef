import { schema, t, type SchemaType } from '@colyseus/schema';

export const TradeItemState = schema(
  { kind: t.string().default(''), version: t.uint32().default(0), attributes: t.string().default('{}') },
  'TradeItemState',
);
export type TradeItemState = SchemaType<typeof TradeItemState>;

export const TradeSideState = schema(
  {
    name: t.string().default(''),
    items: t.map(TradeItemState),
    fungibles: t.map('uint64'),
    accepted: t.boolean().default(false),
  },
  'TradeSideState',
);
export type TradeSideState = SchemaType<typeof TradeSideState>;

export type TradePhase = 'open' | 'settling' | 'settled' | 'cancelled';

/** The window both sides look at; what it shows at a revision is what an acceptance of that revision means. */
export const TradeState = schema(
  {
    phase: t.string().default('open'),
    revision: t.uint32().default(0),
    sides: t.map(TradeSideState),
    reason: t.string().default(''),
  },
  'TradeState',
);
export type TradeState = SchemaType<typeof TradeState>;
