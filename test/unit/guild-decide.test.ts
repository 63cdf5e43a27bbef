import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CommandId, ItemId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { action, decideOn, GUILD, verdicts } from '../kit/guild-snapshot.ts';

const [ANN, BOB, CAT, DAN, EVE] = ['ann', 'bob', 'cat', 'dan', 'eve'] as [PlayerId, PlayerId, PlayerId, PlayerId, PlayerId];
const [SWORD, BOW] = ['sword-1', 'bow-1'] as [ItemId, ItemId];
const MEMBERS = { [ANN]: 'leader', [BOB]: 'officer', [CAT]: 'member', [DAN]: 'member' } as const;
const gold = (quantity: number) => ({ items: [], fungibles: { gold: quantity } });
const items = (...ids: ItemId[]) => ({ items: ids, fungibles: {} });

describe('what a guild decides', () => {
  describe('joining', () => {
    it('[GU3] lets in who is invited, once, and nobody else', () => {
      const decided = decideOn({ members: MEMBERS, invited: [EVE], strangers: ['fay' as PlayerId] }, action(EVE, { type: 'accept' }), action('fay' as PlayerId, { type: 'accept' }), action(EVE, { type: 'accept' }));
      assert.deepEqual(verdicts(decided), ['done', 'GUILD_FORBIDDEN', 'GUILD_FORBIDDEN']);
      assert.deepEqual([decided.decision.change?.joined, decided.decision.change?.accepted, decided.decision.change?.members.set], [[EVE], [EVE], [{ playerId: EVE, rank: 'member' }]]);
    });

    // Guards the count of members and of who came in this very batch.
    it('[GU2] fills to exactly membersMax', () => {
      const many = Array.from({ length: 10 }, (_, at) => `p${at}` as PlayerId);
      const decided = decideOn({ members: MEMBERS, invited: many, rules: { membersMax: 7 } }, ...many.map((player) => action(player, { type: 'accept' })));
      assert.deepEqual(verdicts(decided), [...Array.from({ length: 3 }, () => 'done'), ...Array.from({ length: 7 }, () => 'GUILD_FULL')]);
    });

    it('[GU2] refuses who is in another guild', () => {
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, invited: [EVE], elsewhere: [EVE] }, action(EVE, { type: 'accept' }))), ['ALREADY_IN_GUILD']);
      const stage = { members: MEMBERS, elsewhere: [EVE] };
      assert.deepEqual(verdicts(decideOn(stage, action(ANN, { type: 'invite', subject: EVE }))), ['ALREADY_IN_GUILD']);
    });

    it('[GU3] invites by rank, and only who exists', () => {
      const invite = (actor: PlayerId, subject: PlayerId) => action(actor, { type: 'invite', subject });
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, strangers: [EVE] }, invite(ANN, EVE), invite(BOB, EVE), invite(CAT, EVE), invite(EVE, EVE), invite(ANN, 'nobody' as PlayerId))), ['done', 'done', 'GUILD_FORBIDDEN', 'GUILD_FORBIDDEN', 'UNKNOWN_PLAYER']);
    });

    it('[GU3] who is invited already is not told again', () => {
      const decided = decideOn({ members: MEMBERS, invited: [EVE] }, action(ANN, { type: 'invite', subject: EVE }));
      assert.deepEqual([verdicts(decided), decided.decision.change], [['done'], undefined]);
    });

    it('[GU3] an invitation of this batch can be accepted in it, and a kick ends what came before', () => {
      const decided = decideOn({ members: MEMBERS, strangers: [EVE] }, action(ANN, { type: 'invite', subject: EVE }), action(EVE, { type: 'accept' }), action(ANN, { type: 'kick', subject: EVE }), action(EVE, { type: 'deposit', ...gold(1) }));
      assert.deepEqual(verdicts(decided), ['done', 'done', 'done', 'INSUFFICIENT']);
      assert.deepEqual([decided.decision.change?.joined, decided.decision.change?.left, decided.decision.change?.members], [[], [], { set: [], removed: [] }]);
    });
  });

  describe('ranks', () => {
    const kick = (actor: PlayerId, subject: PlayerId) => action(actor, { type: 'kick', subject });
    const rank = (actor: PlayerId, subject: PlayerId, to: 'leader' | 'officer' | 'member') => action(actor, { type: 'rank', subject, rank: to });

    it('[GU4] one acts on lower ranks only', () => {
      for (const [actor, subject, expected] of [[ANN, BOB, 'done'], [BOB, CAT, 'done'], [BOB, ANN, 'GUILD_FORBIDDEN'], [BOB, BOB, 'GUILD_FORBIDDEN'], [CAT, DAN, 'GUILD_FORBIDDEN'], [ANN, ANN, 'GUILD_FORBIDDEN'], [ANN, EVE, 'UNKNOWN_PLAYER'], [EVE, CAT, 'GUILD_FORBIDDEN']] as const) {
        assert.deepEqual(verdicts(decideOn({ members: MEMBERS, strangers: [EVE] }, kick(actor, subject))), [expected], `${actor} kicks ${subject}`);
      }
      for (const [actor, subject, to, expected] of [[ANN, CAT, 'officer', 'done'], [BOB, CAT, 'member', 'GUILD_FORBIDDEN'], [ANN, ANN, 'member', 'GUILD_FORBIDDEN']] as const) {
        assert.deepEqual(verdicts(decideOn({ members: MEMBERS }, rank(actor, subject, to))), [expected], `${actor} makes ${subject} ${to}`);
      }
    });

    it('[GU4] a rank that may give ranks gives only those below its own', () => {
      const rules = { officer: { invite: true, kick: true, rank: true, motd: true, log: true, deposit: true } };
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, rules }, rank(BOB, CAT, 'officer'), rank(BOB, CAT, 'leader'), rank(BOB, CAT, 'member'))), ['GUILD_FORBIDDEN', 'GUILD_FORBIDDEN', 'done']);
    });

    it('[GU4] who hands the place over is an officer, and obeys from then on', () => {
      const decided = decideOn({ members: MEMBERS }, rank(ANN, CAT, 'leader'), action(ANN, { type: 'disband' }), kick(CAT, ANN));
      assert.deepEqual(verdicts(decided), ['done', 'GUILD_FORBIDDEN', 'done']);
      assert.deepEqual(decided.decision.change?.members, { set: [{ playerId: CAT, rank: 'leader' }], removed: [ANN] });
    });

    it('[GU4] the leader who leaves is followed by the highest rank, then by who is there longest', () => {
      const leave = action(ANN, { type: 'leave' });
      assert.deepEqual(decideOn({ members: MEMBERS }, leave).decision.change?.members, { set: [{ playerId: BOB, rank: 'leader' }], removed: [ANN] });
      assert.deepEqual(decideOn({ members: { [ANN]: 'leader', [DAN]: 'member', [CAT]: 'member' } }, leave).decision.change?.members.set, [{ playerId: DAN, rank: 'leader' }]);
      assert.deepEqual(decideOn({ members: MEMBERS, guild: { memberCount: 5 } }, action(BOB, { type: 'leave' })).decision.change?.members, { set: [], removed: [BOB] });
    });

    it('[GU4] a rank that is held already changes nothing, and is answered', () => {
      const decided = decideOn({ members: MEMBERS }, rank(ANN, BOB, 'officer'));
      assert.deepEqual([decided.outcomes, decided.decision.change, decided.decision.plain.length], [[{ status: 'done', answer: { version: 7 } }], undefined, 1]);
    });
  });

  describe('the bank', () => {
    const deposit = (actor: PlayerId, what: ReturnType<typeof gold> | ReturnType<typeof items>) => action(actor, { type: 'deposit', ...what });
    const withdraw = (actor: PlayerId, what: ReturnType<typeof gold> | ReturnType<typeof items>) => action(actor, { type: 'withdraw', ...what });

    it('[GU5] moves what is held to the unit, and to whom', () => {
      const decided = decideOn({ members: MEMBERS, gold: { [CAT]: 5, [GUILD]: 3 }, items: { [SWORD]: { holder: CAT }, [BOW]: { holder: GUILD } } }, deposit(CAT, { ...gold(5), items: [SWORD] as never[] }), withdraw(BOB, items(BOW)), withdraw(DAN, gold(3)));
      assert.deepEqual(verdicts(decided), ['done', 'done', 'done']);
      assert.deepEqual(decided.decision.postings.map(({ giver, receiver, ...what }: { giver?: unknown; receiver: unknown; asset?: string; quantity?: number; item?: string; version?: number }) => [giver, receiver, what.asset ?? what.item, what.quantity ?? what.version]), [[CAT, GUILD, 'gold', 5], [CAT, GUILD, SWORD, 4], [GUILD, BOB, BOW, 4], [GUILD, DAN, 'gold', 3]]);
      assert.equal(decided.decision.commands.length, 3);
    });

    it('[GU5] refuses what is not held, bound, or more than is there, by the order of the table', () => {
      const stage = { members: MEMBERS, gold: { [CAT]: 5 }, items: { [SWORD]: { holder: DAN }, [BOW]: { holder: CAT, bound: true } } };
      assert.deepEqual(verdicts(decideOn(stage, deposit(CAT, items(SWORD)), deposit(CAT, items(BOW)), deposit(CAT, gold(6)), deposit(CAT, items('unknown' as ItemId)), deposit(CAT, { items: [BOW, SWORD] as never[], fungibles: { gold: 9 } }))), ['NOT_OWNER', 'ITEM_BOUND', 'INSUFFICIENT', 'NOT_OWNER', 'NOT_OWNER']);
    });

    // Guards the sum of what this very batch spends.
    it('[GU5] 50 withdrawals of the last item and the last coins: one gets it', () => {
      const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`p${at}`, 'officer'])) as Record<PlayerId, 'officer'>;
      const stage = { members: { [ANN]: 'leader', ...many } as const, gold: { [GUILD]: 10 }, items: { [SWORD]: { holder: GUILD } } };
      const byItem = decideOn(stage, ...(Object.keys(many) as PlayerId[]).map((player) => withdraw(player, items(SWORD))));
      assert.deepEqual(verdicts(byItem), ['done', ...Array.from({ length: 49 }, () => 'again')]);
      const byGold = decideOn(stage, ...(Object.keys(many) as PlayerId[]).map((player) => withdraw(player, gold(10))));
      assert.deepEqual(verdicts(byGold), ['done', ...Array.from({ length: 49 }, () => 'INSUFFICIENT')]);
    });

    it('[GA2] what depends on what comes in the same batch is decided by the next', () => {
      const decided = decideOn({ members: MEMBERS, gold: { [CAT]: 5 }, items: { [SWORD]: { holder: CAT } } }, deposit(CAT, { ...gold(5), items: [SWORD] as never[] }), withdraw(BOB, gold(4)), withdraw(BOB, items(SWORD)), withdraw(BOB, gold(6)));
      assert.deepEqual(verdicts(decided), ['done', 'again', 'again', 'INSUFFICIENT']);
    });

    it('[GU5] counts what a rank takes out a day, with what it took before and in this batch', () => {
      const rules = { member: { invite: false, kick: false, rank: false, motd: false, log: false, deposit: true, withdrawPerDay: { fungibles: 10, items: 1 } } };
      const stage = { members: MEMBERS, gold: { [GUILD]: 100 }, items: { [SWORD]: { holder: GUILD }, [BOW]: { holder: GUILD } }, taken: { [CAT]: { gold: 4 } }, rules };
      const decided = decideOn(stage, withdraw(CAT, gold(5)), withdraw(CAT, gold(2)), withdraw(CAT, gold(1)), withdraw(CAT, items(SWORD, BOW)), withdraw(DAN, gold(10)), withdraw(ANN, gold(50)), withdraw(EVE, gold(1)));
      assert.deepEqual(verdicts(decided), ['done', 'GUILD_FORBIDDEN', 'done', 'GUILD_FORBIDDEN', 'done', 'done', 'UNKNOWN_PLAYER']);
      assert.deepEqual(decided.decision.change?.taken, [{ playerId: CAT, taken: { gold: 10 } }, { playerId: DAN, taken: { gold: 10 } }]);
      assert.deepEqual(decided.outcomes[1], { status: 'refused', code: 'GUILD_FORBIDDEN', details: { reason: 'the daily limit of your rank', of: 'gold', limit: 10, left: 1 } });
    });

    it('[GU5] holds no more items than it may, and nobody more than 2^53 - 1', () => {
      const stage = { members: MEMBERS, gold: { [CAT]: 5, [GUILD]: QUANTITY_MAX - 3 }, items: { [SWORD]: { holder: CAT }, [BOW]: { holder: GUILD } }, rules: { bankItemsMax: 1 } };
      assert.deepEqual(verdicts(decideOn(stage, deposit(CAT, items(SWORD)), deposit(CAT, gold(2)), deposit(CAT, gold(2)), deposit(CAT, gold(1)))), ['GUILD_FULL', 'done', 'BAD_REQUEST', 'done']);
    });

    it('[GU7] names the first 20 of many items, and says how many they are', () => {
      const many = Array.from({ length: 30 }, (_, at) => `i${at}` as ItemId);
      const { decision } = decideOn({ members: MEMBERS, items: Object.fromEntries(many.map((id) => [id, { holder: CAT }])) }, deposit(CAT, items(...many)));
      assert.deepEqual([decision.change?.log[0]?.details.items?.length, decision.change?.log[0]?.details.itemCount, decision.postings.length], [20, 30, 30]);
    });

    it('[GU5] a stranger neither puts in nor takes out', () => {
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, strangers: [EVE], gold: { [EVE]: 5, [GUILD]: 5 } }, deposit(EVE, gold(1)), withdraw(EVE, gold(1)))), ['GUILD_FORBIDDEN', 'GUILD_FORBIDDEN']);
    });
  });

  describe('the end', () => {
    it('[GU6] only the leader disbands, an empty bank, and then there is no guild', () => {
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS }, action(BOB, { type: 'disband' }), action(ANN, { type: 'disband' }), action(BOB, { type: 'motd', motd: 'x' }))), ['GUILD_FORBIDDEN', 'done', 'GUILD_NOT_FOUND']);
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, gold: { [GUILD]: 1 } }, action(ANN, { type: 'disband' }))), ['GUILD_FORBIDDEN']);
      assert.deepEqual(decideOn({ members: MEMBERS }, action(ANN, { type: 'disband' })).decision.change?.left, [ANN, BOB, CAT, DAN]);
    });

    it('[GU6] waits for what moves in the same batch, and for the rows of all members', () => {
      const bank = action(CAT, { type: 'deposit', ...gold(1) });
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS, gold: { [CAT]: 1 } }, bank, action(ANN, { type: 'disband' }))), ['done', 'again']);
      const { outcomes } = decideOn({ members: MEMBERS, holders: [GUILD, ANN] }, action(ANN, { type: 'disband' }));
      assert.deepEqual(outcomes, [{ status: 'again', with: [ANN, BOB, CAT, DAN] }]);
    });

    it('[GU6] the last one who leaves disbands', () => {
      const last = { members: { [ANN]: 'leader' } as const };
      assert.equal(decideOn(last, action(ANN, { type: 'leave' })).decision.change?.disbanded, true);
      assert.deepEqual(verdicts(decideOn({ ...last, gold: { [GUILD]: 1 } }, action(ANN, { type: 'leave' }))), ['GUILD_FORBIDDEN']);
    });

    it('[GU6] of no guild everything is GUILD_NOT_FOUND', () => {
      assert.deepEqual(verdicts(decideOn({ guild: null, strangers: [EVE] }, action(EVE, { type: 'accept' }), action(EVE, { type: 'deposit', ...gold(1) }))), ['GUILD_NOT_FOUND', 'GUILD_NOT_FOUND']);
    });
  });

  describe('commands', () => {
    it('[GA4] what acted before is answered as it was, also to a session that was displaced; another request is COMMAND_REUSED', () => {
      const id = randomUUID() as CommandId;
      const first = action(CAT, { type: 'leave' }, { commandId: id, epoch: 0 });
      const stage = { members: MEMBERS, known: { [id]: { hash: first.hash, answer: { version: 3 } } } };
      const decided = decideOn(stage, first, action(CAT, { type: 'disband' }, { commandId: id }), action(CAT, { type: 'disband' }, { commandId: id, epoch: 0 }));
      assert.deepEqual(verdicts(decided), ['known', 'COMMAND_REUSED', 'SESSION_REPLACED']);
      assert.equal(decided.decision.change, undefined);
    });

    // Guards the epoch that is compared under the locks.
    it('[SE2] a displaced session acts no more, and a stranger to the databases never did', () => {
      assert.deepEqual(verdicts(decideOn({ members: MEMBERS }, action(ANN, { type: 'motd', motd: 'x' }, { epoch: 0 }), action('nobody' as PlayerId, { type: 'leave' }))), ['SESSION_REPLACED', 'UNKNOWN_PLAYER']);
    });

    it('[GA3] one that is refused leaves no trace, and the others happen', () => {
      const many = Array.from({ length: 100 }, (_, at) => action(CAT, { type: 'deposit', ...gold(at === 50 ? 1_000 : 1) }));
      const decided = decideOn({ members: MEMBERS, gold: { [CAT]: 99 } }, ...many);
      assert.deepEqual(verdicts(decided).filter((verdict) => verdict !== 'done'), ['INSUFFICIENT']);
      assert.deepEqual([decided.decision.commands.length, decided.decision.change?.log.length, decided.decision.postings.length], [99, 99, 99]);
    });

    it('[GU7] each thing that happens is a line, with who and whom', () => {
      const { decision } = decideOn({ members: MEMBERS, strangers: [EVE] }, action(ANN, { type: 'motd', motd: 'Hear, hear' }), action(BOB, { type: 'invite', subject: EVE }), action(CAT, { type: 'leave' }));
      assert.deepEqual(decision.change?.log.map(({ event, actor, actorName, subject }) => [event, actor, actorName, subject]), [['motd', ANN, `name of ${ANN}`, null], ['invite', BOB, `name of ${BOB}`, EVE], ['leave', CAT, `name of ${CAT}`, null]]);
      assert.equal(decision.change?.motd, 'Hear, hear');
    });
  });
});
