import assert from 'node:assert/strict';
import fc from 'fast-check';
import { holdersOf, type Movement } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';

describe('a movement', () => {
  it('names each holder once, in the order of its postings, of few postings and of many', () => {
    const end = fc.constantFrom<(PlayerId | null)[]>(null, ...['ann', 'bob', 'cat', 'dan'].map((name) => name as PlayerId));
    const posting = fc.record({ giver: end, receiver: end }).map((ends) => ({ asset: 'gold', quantity: 1, ...ends }));
    fc.assert(
      fc.property(fc.array(posting, { maxLength: 20 }), (postings) => {
        const expected = [...new Set(postings.flatMap(({ giver, receiver }) => [giver, receiver]).filter((one) => one !== null))];
        assert.deepEqual(holdersOf({ reason: 'test', postings, commands: [] } as Movement), expected);
      }),
    );
  });
});
