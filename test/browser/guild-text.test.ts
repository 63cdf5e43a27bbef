import assert from 'node:assert/strict';
import type { GuildId, ItemId, PlayerId } from '../../schema/ids.ts';
import { newsText, readNews } from '../../web/src/guild-news.ts';
import { withinHeld } from '../../web/src/offer-draft.ts';
import { refusalText } from '../../web/src/refusal-text.ts';

const [ANN, BOB] = ['ann', 'bob'] as PlayerId[] as [PlayerId, PlayerId];
const said = { guildId: 'g' as GuildId, playerId: ANN, name: 'Ann' };

describe('the page: what it says of guilds', () => {
  it('tells what happened in one sentence, in which the player is "you"', () => {
    const kick = readNews({ ...said, event: 'kick', subject: BOB, subjectName: 'Bob' });
    assert.equal(newsText(kick, undefined), 'Ann removed Bob from the guild.');
    assert.equal(newsText(kick, BOB), 'Ann removed you from the guild.');
    assert.equal(newsText(kick, ANN), 'You removed Bob from the guild.');
    assert.equal(newsText(readNews({ ...said, event: 'rank', subject: BOB, subjectName: 'Bob', rank: 'leader' }), BOB), 'Ann made you the leader.');
    const items = ['1', '2', '3'].map((id) => ({ id: id as ItemId, kind: id === '3' ? 'bow' : 'sword' }));
    assert.equal(newsText(readNews({ ...said, event: 'deposit', fungibles: { gold: 1250 }, items }), BOB), 'Ann put 1,250 Gold, 2 × Sword, and 1 Bow into the bank.');
    assert.equal(newsText(readNews({ ...said, event: 'withdraw', items, itemCount: 25 }), BOB), 'Ann took 2 × Sword, 1 Bow, and 22 more out of the bank.');
  });

  it('tells of what it does not know yet, too', () => {
    assert.equal(newsText(readNews({ ...said, event: 'feast' as 'join' }), BOB), 'Ann: feast.');
  });

  it('says the reason of a refusal, and what is left', () => {
    const reply = { code: 'GUILD_FORBIDDEN', ref: '' } as const;
    assert.equal(refusalText({ ...reply, details: {} }), 'Your rank does not allow that.');
    assert.equal(refusalText({ ...reply, details: { reason: 'the bank is not empty' } }), 'That is not allowed: the bank is not empty.');
    assert.equal(refusalText({ ...reply, details: { reason: 'the daily limit of your rank', of: 'gold', left: 380 } }), 'That is not allowed: the daily limit of your rank (380 Gold left).');
    assert.equal(refusalText({ ...reply, details: { reason: 'the daily limit of your rank', of: 'items', left: 0 } }), 'That is not allowed: the daily limit of your rank (no items left).');
  });

  it('lets go of what somebody else took from the bank meanwhile', () => {
    const chosen = { items: ['a', 'b'], fungibles: { gold: 50, ore: 3, gem: 1 } };
    const held = { items: new Map([['a', {}]]), fungibles: new Map([['gold', 20], ['ore', 3]]) };
    assert.deepEqual(withinHeld(chosen, held), { items: ['a'], fungibles: { gold: 20, ore: 3 } });
    const still = withinHeld(chosen, held);
    assert.equal(withinHeld(still, held), still);
  });
});
