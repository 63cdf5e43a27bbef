import { z } from 'zod';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type PlayerId = Branded<'PlayerId'>;
export type ItemId = Branded<'ItemId'>;
export type CommandId = Branded<'CommandId'>;
export type TradeId = Branded<'TradeId'>;
export type GuildId = Branded<'GuildId'>;
export type TransactionId = Branded<'TransactionId'>;
/** One running client, as it calls itself in what it joins. */
export type ClientId = Branded<'ClientId'>;
export type LeaseId = Branded<'LeaseId'>;

/** Whoever can hold value: a player, a guild's bank or an escrow. */
export type HolderId = PlayerId | GuildId;

/** Ids are compared as text everywhere, so upper-case input is folded before anyone sees it. [ID1] */
const uuid = <Id extends string>() => z.uuid().toLowerCase().transform((text) => text as Id);

export const PlayerId = uuid<PlayerId>();
export const ItemId = uuid<ItemId>();
export const CommandId = uuid<CommandId>();
export const TradeId = uuid<TradeId>();
export const GuildId = uuid<GuildId>();
export const ClientId = uuid<ClientId>();
export const TransactionId = uuid<TransactionId>();
