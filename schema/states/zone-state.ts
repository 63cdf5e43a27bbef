import { schema, t, type SchemaType } from '@colyseus/schema';

export const ZonePlayerState = schema(
  {
    name: t.string().default(''),
    x: t.float32().default(0),
    y: t.float32().default(0),
    level: t.uint16().default(1),
    guildTag: t.string().default(''),
  },
  'ZonePlayerState',
);
export type ZonePlayerState = SchemaType<typeof ZonePlayerState>;

export const NodeState = schema(
  {
    asset: t.string().default(''),
    x: t.float32().default(0),
    y: t.float32().default(0),
    /** Unix milliseconds from which it can be gathered again. */
    readyAt: t.uint64().default(0),
  },
  'NodeState',
);
export type NodeState = SchemaType<typeof NodeState>;

/** What everyone in a zone may see. */
export const ZoneState = schema(
  {
    zone: t.string().default(''),
    width: t.float32().default(0),
    height: t.float32().default(0),
    players: t.map(ZonePlayerState),
    nodes: t.map(NodeState),
  },
  'ZoneState',
);
export type ZoneState = SchemaType<typeof ZoneState>;
