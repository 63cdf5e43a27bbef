import type { GuildEventDetails, GuildEventName, GuildLogEntry } from '../../schema/guild.ts';
import type { GuildEvent } from '../../schema/messages/guild.ts';
import { assetOf } from './catalog.ts';
import { quantityText } from './quantity-text.ts';

/** What happened in a guild, whether it stands in the log or was just heard. */
export type GuildNews = Pick<GuildLogEntry, 'event' | 'actor' | 'actorName' | 'subject' | 'subjectName' | 'details'>;

interface Told {
  who: string;
  whom: string;
  details: GuildEventDetails;
}

const RANK_TEXTS = { leader: 'the leader', officer: 'an officer', member: 'a member' } as const;

const SENTENCES: Readonly<Record<GuildEventName, (told: Told) => string>> = {
  create: ({ who }) => `${who} founded the guild.`,
  invite: ({ who, whom }) => `${who} invited ${whom}.`,
  join: ({ who }) => `${who} joined.`,
  leave: ({ who }) => `${who} left the guild.`,
  kick: ({ who, whom }) => `${who} removed ${whom} from the guild.`,
  rank: ({ who, whom, details }) => `${who} made ${whom} ${RANK_TEXTS[details.rank ?? 'member']}.`,
  motd: ({ who }) => `${who} changed the message of the day.`,
  deposit: ({ who, details }) => `${who} put ${thingsText(details)} into the bank.`,
  withdraw: ({ who, details }) => `${who} took ${thingsText(details)} out of the bank.`,
  disband: ({ who }) => `${who} disbanded the guild.`,
  online: ({ who }) => `${who} is online.`,
  offline: ({ who }) => `${who} went offline.`,
};

const list = new Intl.ListFormat('en');

/** One sentence, in which the player is "you". */
export function newsText(news: GuildNews, selfId: string | undefined): string {
  const sentence = SENTENCES[news.event] as ((told: Told) => string) | undefined;
  const who = news.actor === selfId ? 'You' : news.actorName;
  const whom = news.subject === selfId ? 'you' : (news.subjectName ?? 'somebody');
  // A newer server may tell of what this page does not know yet.
  return sentence?.({ who, whom, details: news.details }) ?? `${who}: ${news.event}.`;
}

/** A pushed event in the shape of a line of the log. */
export function readNews({ event, playerId, name, subject, subjectName, rank, fungibles, items, itemCount }: GuildEvent): GuildNews {
  return {
    event, actor: playerId, actorName: name, subject: subject ?? null, subjectName: subjectName ?? null,
    details: { ...(rank && { rank }), ...(fungibles && { fungibles }), ...(items && { items }), ...(itemCount && { itemCount }) },
  };
}

/** What was moved: `50 Gold, 1 Sword`; counts first, then items by kind; of many items the first are named. */
function thingsText({ fungibles = {}, items = [], itemCount = items.length }: GuildEventDetails): string {
  const kinds = new Map<string, number>();
  for (const { kind } of items) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const counted = Object.entries(fungibles).map(([asset, quantity]) => `${quantityText(quantity)} ${assetOf(asset).title}`);
  const named = [...kinds].map(([kind, count]) => (count === 1 ? `1 ${assetOf(kind).title}` : `${count} × ${assetOf(kind).title}`));
  const unnamed = itemCount > items.length ? [`${itemCount - items.length} more`] : [];
  return list.format([...counted, ...named, ...unnamed]) || 'something';
}
