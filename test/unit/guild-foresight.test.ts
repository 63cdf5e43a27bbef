import assert from 'node:assert/strict';
import type { GuildChange, GuildRow } from '../../persistence/index.ts';
import type { GuildRank } from '../../schema/guild.ts';
import type { CommandId, GuildId, ItemId, PlayerId } from '../../schema/ids.ts';
import type { GuildAction } from '../../server/guilds/actions.ts';
import type { GuildEntry } from '../../server/guilds/directory.ts';
import { Foresight } from '../../server/guilds/foresight.ts';

const ORDER = 'order' as GuildId;
const [ANN, BOB, CAT] = ['ann', 'bob', 'cat'] as [PlayerId, PlayerId, PlayerId];

describe('what is foreseen of a guild', () => {
  const row = (version: number, logged: number): GuildRow => ({ id: ORDER, name: 'Order', tag: 'ORD', motd: 'hello', version, logged, now: 1, memberCount: 0, members: [], taken: new Map(), bankItems: 0, bankIsEmpty: false });
  const change = (lines: number, more: Partial<GuildChange> = {}): GuildChange => ({
    motd: 'hello', disbanded: false, members: { set: [], removed: [] }, joined: [], left: [], invited: [], accepted: [], taken: [],
    log: Array.from({ length: lines }, () => ({ event: 'deposit' as const, actor: ANN, actorName: 'Ann', subject: null, subjectName: null, details: {} })), ...more,
  });
  const entry = (version: number, ...ranks: [PlayerId, GuildRank][]): GuildEntry => ({ id: ORDER, name: 'Order', tag: 'ORD', version, members: new Map(ranks.map(([playerId, rank]) => [playerId, { playerId, rank, name: `${playerId}!` }])) });
  const deposit = (actor: PlayerId, { epoch = 3, items = [] as ItemId[] } = {}): GuildAction => ({ actor, epoch, commandId: 'x' as CommandId, hash: Buffer.alloc(0), type: 'deposit', items, fungibles: { gold: 1 } });
  const both = entry(7, [ANN, 'leader'], [BOB, 'member']);
  let foresight: Foresight;
  beforeEach(() => (foresight = new Foresight({ max: 10 })));

  it('[GA6] is what its last flush left, with the ranks, names and sessions of who acts', () => {
    foresight.note(row(7, 20), change(3, { motd: 'goodbye' }));
    const found = foresight.of(both, [deposit(BOB), deposit(ANN, { epoch: 5 }), deposit(BOB)]);
    const { guild, players } = found!.snapshot;
    assert.deepEqual([guild.version, guild.logged, guild.motd, guild.members.map(({ playerId, rank }) => [playerId, rank])], [8, 23, 'goodbye', [[BOB, 'member'], [ANN, 'leader']]]);
    assert.deepEqual([...players].map(([id, { name, epoch, guildId }]) => [id, name, epoch, guildId]), [[BOB, 'bob!', 3, ORDER], [ANN, 'ann!', 5, ORDER]]);
    assert.deepEqual([...found!.epochs], [[ORDER, -1], [BOB, 3], [ANN, 5]]);
  });

  it('[GA6] is of deposits without items alone, of a guild that was seen and is not over', () => {
    assert.equal(foresight.covers(ORDER, [deposit(ANN)]), false);
    foresight.note(row(7, 20), undefined);
    assert.equal(foresight.covers(ORDER, [deposit(ANN)]), true);
    assert.equal(foresight.covers(ORDER, [deposit(ANN), deposit(BOB, { items: ['sword' as ItemId] })]), false);
    assert.equal(foresight.covers(ORDER, [{ ...deposit(ANN), type: 'withdraw' } as GuildAction]), false);
    foresight.note(row(7, 20), change(1, { disbanded: true }));
    assert.equal(foresight.covers(ORDER, [deposit(ANN)]), false);
  });

  it('[GA6] is nothing where somebody is no member, or asks in two sessions', () => {
    foresight.note(row(7, 20), undefined);
    assert.equal(foresight.of(both, [deposit(ANN), deposit(CAT)]), undefined);
    assert.equal(foresight.of(both, [deposit(ANN), deposit(ANN, { epoch: 4 })]), undefined);
  });

  it('[GA6] believes a list of members that nobody came to or left since', () => {
    foresight.note(row(7, 20), change(1));
    foresight.note(row(8, 21), change(1));
    assert.equal(foresight.of(both, [deposit(ANN)])?.snapshot.guild.version, 9, 'seen without a gap');
    assert.equal(foresight.of(entry(10, [ANN, 'leader']), [deposit(ANN)]), undefined, 'it is newer than what was seen');
    foresight.note(row(9, 22), change(1, { members: { set: [{ playerId: BOB, rank: 'officer' }], removed: [] } }));
    assert.equal(foresight.of(both, [deposit(ANN)]), undefined, 'somebody has another rank since');
    assert.ok(foresight.of(entry(10, [ANN, 'leader']), [deposit(ANN)]));
    foresight.note(row(12, 30), change(1));
    assert.equal(foresight.of(entry(10, [ANN, 'leader']), [deposit(ANN)]), undefined, 'others acted in between');
  });

  it('[GA6] is nothing for sixteen flushes after it was wrong', () => {
    foresight.note(row(7, 20), change(1));
    foresight.missed(ORDER);
    const covered = Array.from({ length: 17 }, (_, at) => {
      const covers = foresight.covers(ORDER, [deposit(ANN)]);
      foresight.note(row(8 + at, 21 + at), change(1));
      return covers;
    });
    assert.deepEqual([covered.indexOf(true), covered.lastIndexOf(false)], [16, 15]);
  });
});
