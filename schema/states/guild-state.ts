import { schema, t, type SchemaType } from '@colyseus/schema';
import { ItemState } from './player-state.ts';

export const GuildMemberState = schema(
  { name: t.string().default(''), rank: t.string().default('member'), online: t.boolean().default(false) },
  'GuildMemberState',
);
export type GuildMemberState = SchemaType<typeof GuildMemberState>;

export const GuildBankState = schema({ fungibles: t.map('number'), items: t.map(ItemState) }, 'GuildBankState');
export type GuildBankState = SchemaType<typeof GuildBankState>;

/** One line of the log; `details` is JSON text, see `GuildEventDetails`. */
export const GuildLogState = schema(
  {
    seq: t.number().default(0),
    at: t.number().default(0),
    event: t.string().default(''),
    actor: t.string().default(''),
    actorName: t.string().default(''),
    subject: t.string().default(''),
    subjectName: t.string().default(''),
    details: t.string().default('{}'),
  },
  'GuildLogState',
);
export type GuildLogState = SchemaType<typeof GuildLogState>;

/** What members see of their guild: one version for all of it, which rises with each commit that changes any. */
export const GuildState = schema(
  {
    guildId: t.string().default(''),
    name: t.string().default(''),
    tag: t.string().default(''),
    motd: t.string().default(''),
    version: t.number().default(0),
    members: t.map(GuildMemberState),
    bank: t.ref(GuildBankState),
    /** The last 50 lines, the newest at the end. */
    log: t.array(GuildLogState),
  },
  'GuildState',
);
export type GuildState = SchemaType<typeof GuildState>;
