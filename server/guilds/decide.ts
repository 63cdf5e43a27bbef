import { pauseOf, type GuildDecision, type GuildPlayerRow, type GuildSnapshot } from '../../persistence/index.ts';
import type { GuildRules, RankRules } from '../../schema/catalog.ts';
import { outranks, type GuildRank } from '../../schema/guild.ts';
import type { HolderId, PlayerId } from '../../schema/ids.ts';
import type { GuildAnswer } from '../../schema/messages/guild.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { firstRefusal, type RefusalCode } from '../../schema/refusals.ts';
import type { BankAction, GuildAction } from './actions.ts';
import { GuildDraft } from './draft.ts';

/** A line of the log goes to every member; the ledger has them all. */
const ITEMS_NAMED_MAX = 20;

/** What becomes of one action of a flush. */
export type ActionOutcome =
  | { status: 'done'; answer: GuildAnswer }
  /** It acted before, and this was its answer. */
  | { status: 'known'; answer: unknown }
  | { status: 'refused'; code: RefusalCode; details: Record<string, unknown> }
  /** It depends on what this flush does, or on rows that are not locked: the next flush decides it. */
  | { status: 'again'; with?: readonly PlayerId[] };

export interface DecidedActions {
  decision: GuildDecision;
  outcomes: ActionOutcome[];
}

export interface DecideOptions {
  rules: GuildRules;
  /** Whose rows are locked. */
  holders: ReadonlySet<HolderId>;
  /** Whether the rows of the guild's name and tag may be given up. */
  mayEnd: boolean;
}

type Verdict = { status: 'done' } | Extract<ActionOutcome, { status: 'refused' | 'again' }>;
const DONE: Verdict = { status: 'done' };
const refused = (code: RefusalCode, details: Record<string, unknown> = {}): Verdict => ({ status: 'refused', code, details });

/**
 * Decides a guild's actions, one after the other as they came, each for itself: one that is refused leaves no trace. Pure;
 * what it looks at is as it is under the locks, so that no rank, limit or holding is from before. [GA2] [GA3] [GA4]
 */
export function decideActions(snapshot: GuildSnapshot, actions: readonly GuildAction[], options: DecideOptions): DecidedActions {
  const draft = snapshot.guild && new GuildDraft(snapshot.guild, snapshot);
  const seen = new Set<string>();
  const verdicts = actions.map((action): Verdict | Extract<ActionOutcome, { status: 'known' }> => {
    const known = snapshot.known(action.actor, action.commandId);
    if (known?.hash.equals(action.hash)) return { status: 'known', answer: known.answer };
    const player = snapshot.players.get(action.actor);
    if (player === undefined) return refused('UNKNOWN_PLAYER', { playerId: action.actor });
    if (player.epoch !== action.epoch) return refused('SESSION_REPLACED', { playerId: action.actor });
    if (known !== undefined) return refused('COMMAND_REUSED', { commandId: action.commandId });
    const kept = action.type === 'deposit' || action.type === 'withdraw' ? keptBySupport(action, player, snapshot) : undefined;
    if (kept !== undefined) return kept;
    const key = `${action.actor} ${action.commandId}`;
    if (seen.has(key)) return { status: 'again' };
    const verdict = draft === undefined || draft.disbanded ? refused('GUILD_NOT_FOUND') : decide(draft, action, snapshot, options);
    if (verdict.status === 'done') seen.add(key);
    return verdict;
  });
  const change = draft?.change;
  const answer: GuildAnswer = { version: (snapshot.guild?.version ?? 0) + (change === undefined ? 0 : 1) };
  const done = actions.filter((_, at) => verdicts[at]?.status === 'done');
  const isBank = ({ type }: GuildAction) => type === 'deposit' || type === 'withdraw';
  return {
    decision: {
      postings: draft?.postings ?? [],
      commands: done.filter(isBank).map(({ actor, commandId, hash }) => ({ actor, id: commandId, hash, answer: () => answer })),
      plain: done.filter((action) => !isBank(action)).map(({ actor, commandId, hash }) => ({ actor, id: commandId, hash, answer })),
      ...(change !== undefined && { change }),
    },
    outcomes: verdicts.map((verdict) => (verdict.status === 'done' ? { status: 'done', answer } : verdict)),
  };
}

/** Value of a frozen account goes nowhere, and neither does what is paused. [OP2] [OP3] */
function keptBySupport({ actor, items, fungibles }: BankAction, { frozen }: GuildPlayerRow, { paused, item }: GuildSnapshot): Verdict | undefined {
  if (frozen) return refused('ACCOUNT_FROZEN', { playerId: actor });
  if (paused.size === 0) return undefined;
  const [asset] = [...Object.keys(fungibles), ...items.flatMap((id) => item(id)?.kind ?? [])].flatMap((one) => pauseOf(one, paused) ?? []);
  return asset === undefined ? undefined : refused('TRADING_PAUSED', { asset });
}

function decide(draft: GuildDraft, action: GuildAction, snapshot: GuildSnapshot, options: DecideOptions): Verdict {
  const { rules } = options;
  const { actor } = action;
  const rank = draft.rankOf(actor);
  switch (action.type) {
    case 'accept':
      if (!draft.isInvited(actor)) return refused('GUILD_FORBIDDEN', { reason: 'you are not invited' });
      if (draft.memberCount >= rules.membersMax) return refused('GUILD_FULL', { membersMax: rules.membersMax });
      if (draft.isTaken(actor)) return refused('ALREADY_IN_GUILD');
      draft.join(actor);
      draft.log('join', actor);
      return DONE;
    case 'invite':
      if (!snapshot.players.has(action.subject)) return refused('UNKNOWN_PLAYER', { playerId: action.subject });
      if (!may(rank, 'invite', rules)) return refused('GUILD_FORBIDDEN');
      if (draft.memberCount >= rules.membersMax) return refused('GUILD_FULL', { membersMax: rules.membersMax });
      if (draft.isTaken(action.subject)) return refused('ALREADY_IN_GUILD', { playerId: action.subject });
      // Asked again, it is the same invitation: nobody is told twice.
      if (draft.isInvited(action.subject)) return DONE;
      draft.invite(action.subject, actor);
      draft.log('invite', actor, {}, action.subject);
      return DONE;
    case 'kick': {
      const theirs = draft.rankOf(action.subject);
      if (rank !== undefined && theirs === undefined) return refused('UNKNOWN_PLAYER', { playerId: action.subject, reason: 'not a member' });
      if (!may(rank, 'kick', rules) || rank === undefined || theirs === undefined || !outranks(rank, theirs)) return refused('GUILD_FORBIDDEN');
      draft.remove(action.subject);
      draft.log('kick', actor, {}, action.subject);
      return DONE;
    }
    case 'rank':
      return changeRank(draft, action, rank, rules);
    case 'motd':
      if (!may(rank, 'motd', rules)) return refused('GUILD_FORBIDDEN');
      draft.motd = action.motd;
      draft.log('motd', actor);
      return DONE;
    case 'leave':
      return leave(draft, actor, rank, snapshot, options);
    case 'disband':
      if (rank !== 'leader') return refused('GUILD_FORBIDDEN');
      return disband(draft, actor, options);
    case 'deposit':
    case 'withdraw':
      return moveValue(draft, action, rank, rules);
  }
}

function may(rank: GuildRank | undefined, permission: Exclude<keyof RankRules, 'withdrawPerDay'>, rules: GuildRules): boolean {
  if (rank === undefined) return false;
  return rank === 'leader' || rules[rank][permission];
}

function changeRank(draft: GuildDraft, { actor, subject, rank: wanted }: Extract<GuildAction, { type: 'rank' }>, rank: GuildRank | undefined, rules: GuildRules): Verdict {
  const theirs = draft.rankOf(subject);
  if (rank !== undefined && theirs === undefined) return refused('UNKNOWN_PLAYER', { playerId: subject, reason: 'not a member' });
  const isAllowed = rank !== undefined && theirs !== undefined && may(rank, 'rank', rules) && outranks(rank, theirs) && (rank === 'leader' || outranks(rank, wanted));
  if (!isAllowed) return refused('GUILD_FORBIDDEN');
  if (theirs === wanted) return DONE;
  // There is one leader: who gives it away is an officer from then on.
  if (wanted === 'leader') draft.promote(actor, 'officer');
  draft.promote(subject, wanted);
  draft.log('rank', actor, { rank: wanted }, subject);
  return DONE;
}

/** The leader's place goes to a successor; with the last one the guild ends. */
function leave(draft: GuildDraft, actor: PlayerId, rank: GuildRank | undefined, snapshot: GuildSnapshot, options: DecideOptions): Verdict {
  if (rank === undefined) return refused('GUILD_FORBIDDEN', { reason: 'you are not a member' });
  if (draft.memberCount === 1) return disband(draft, actor, options);
  const successor = rank === 'leader' ? draft.successorOf(actor) : undefined;
  if (successor !== undefined && !snapshot.players.has(successor)) return { status: 'again', with: [successor] };
  draft.remove(actor);
  draft.log('leave', actor);
  if (successor === undefined) return DONE;
  draft.promote(successor, 'leader');
  draft.log('rank', actor, { rank: 'leader' }, successor);
  return DONE;
}

/** Refused while there is anything in the bank: nobody's things shall vanish, or be somebody's, by one press. */
function disband(draft: GuildDraft, actor: PlayerId, { holders, mayEnd }: DecideOptions): Verdict {
  // What this flush moves may empty it, or fill it.
  if (draft.postings.length > 0) return { status: 'again' };
  if (!draft.bankIsEmpty) return refused('GUILD_FORBIDDEN', { reason: 'the bank is not empty' });
  const { members } = draft;
  if (!mayEnd || members.some((member) => !holders.has(member))) return { status: 'again', with: members };
  draft.log('disband', actor);
  for (const member of members) draft.remove(member);
  draft.disbanded = true;
  return DONE;
}

/** All or nothing of one action. What speaks against it is answered by the order of the refusals. [RF1] */
function moveValue(draft: GuildDraft, action: BankAction, rank: GuildRank | undefined, rules: GuildRules): Verdict {
  const { actor, items, fungibles, type } = action;
  const guildId = draft.guild.id;
  const [giver, receiver]: [HolderId, HolderId] = type === 'deposit' ? [actor, guildId] : [guildId, actor];
  // What moves in this flush already is somebody else's afterwards, or its version is another.
  if (items.some((item) => draft.hasMoved(item))) return { status: 'again' };
  const short = Object.entries(fungibles).filter(([asset, quantity]) => draft.available(giver, asset) < quantity);
  if (short.some(([asset, quantity]) => draft.expected(giver, asset) >= quantity)) return { status: 'again' };
  const taken = type === 'withdraw' && rank !== undefined ? takenWith(draft, action, rank, rules) : undefined;
  const doubts: [RefusalCode, Record<string, unknown>][] = [
    ...items.filter((item) => draft.item(item)?.holder !== giver).map((item): [RefusalCode, Record<string, unknown>] => ['NOT_OWNER', { item }]),
    ...items.filter((item) => draft.item(item)?.bound).map((item): [RefusalCode, Record<string, unknown>] => ['ITEM_BOUND', { item }]),
    ...short.map(([asset, needed]): [RefusalCode, Record<string, unknown>] => ['INSUFFICIENT', { asset, held: draft.available(giver, asset), needed }]),
    ...forbidden(type, rank, taken, rules),
    ...(type === 'deposit' && items.length > 0 && draft.bankItems + items.length > rules.bankItemsMax ? [['GUILD_FULL', { bankItemsMax: rules.bankItemsMax }] as [RefusalCode, Record<string, unknown>]] : []),
  ];
  const first = firstRefusal(doubts.map(([code]) => code));
  const doubt = doubts.find(([code]) => code === first);
  if (doubt !== undefined) return refused(...doubt);
  if (Object.entries(fungibles).some(([asset, quantity]) => draft.expected(receiver, asset) + quantity > QUANTITY_MAX)) return refused('BAD_REQUEST', { reason: 'the receiver would hold more than 2^53 - 1' });
  draft.move(giver, receiver, items, fungibles);
  if (taken?.counts !== undefined) draft.take(actor, taken.counts);
  draft.log(type, actor, {
    ...(Object.keys(fungibles).length > 0 && { fungibles: { ...fungibles } }),
    ...(items.length > 0 && { items: items.slice(0, ITEMS_NAMED_MAX).map((id) => ({ id, kind: draft.item(id)?.kind ?? '' })) }),
    ...(items.length > ITEMS_NAMED_MAX && { itemCount: items.length }),
  });
  return DONE;
}

function forbidden(type: BankAction['type'], rank: GuildRank | undefined, taken: Taken | undefined, rules: GuildRules): [RefusalCode, Record<string, unknown>][] {
  if (rank === undefined) return [['GUILD_FORBIDDEN', { reason: 'you are not a member' }]];
  if (type === 'deposit') return may(rank, 'deposit', rules) ? [] : [['GUILD_FORBIDDEN', {}]];
  return taken?.over === undefined ? [] : [['GUILD_FORBIDDEN', taken.over]];
}

interface Taken {
  /** Of today, with this; absent for who has no limit. */
  counts?: Record<string, number>;
  over?: Record<string, unknown>;
}

function takenWith(draft: GuildDraft, { actor, items, fungibles }: BankAction, rank: GuildRank, rules: GuildRules): Taken {
  const limit = rank === 'leader' ? undefined : rules[rank].withdrawPerDay;
  if (limit === undefined) return {};
  const counts = { ...draft.takenBy(actor) };
  const wanted: [name: string, quantity: number, max: number][] = [...Object.entries(fungibles).map(([asset, quantity]): [string, number, number] => [asset, quantity, limit.fungibles]), ['', items.length, limit.items]];
  for (const [name, quantity, max] of wanted) {
    const before = counts[name] ?? 0;
    if (quantity > 0 && before + quantity > max) return { over: { reason: 'the daily limit of your rank', of: name === '' ? 'items' : name, limit: max, left: Math.max(0, max - before) } };
    if (quantity > 0) counts[name] = before + quantity;
  }
  return { counts };
}
