import assert from 'node:assert/strict';
import { AnswerLost, Refused } from '../../web/client/index.ts';
import { OfferDraft, sameOffer, withItem, withoutItem, withQuantity, type Offer } from '../../web/src/offer-draft.ts';
import { until } from '../kit/player.ts';

/** Until nothing is left to send, and long enough after that for what should not have been sent. */
async function settle({ pending }: OfferDraft): Promise<void> {
  await until(() => !pending.get());
  await new Promise((resolve) => setTimeout(resolve, 40));
}

/** A draft against a server that answers as the script says, and then with success. */
function draftAgainst(script: (Error | undefined)[] = []) {
  const sent: Offer[] = [];
  const refused: Refused[] = [];
  const draft = new OfferDraft({
    debounceMs: 1,
    retryMs: 1,
    refused: (refusal) => refused.push(refusal),
    send: async (offer) => {
      sent.push(offer);
      await new Promise((resolve) => setTimeout(resolve, 2));
      const failure = script.shift();
      if (failure) throw failure;
      return sent.length;
    },
  });
  return { draft, sent, refused };
}

const refusal = (code: 'INSUFFICIENT' | 'BUSY') => new Refused({ code, details: {}, ref: '' });

describe('web: the draft of an offer', () => {
  it('sends what was edited quickly as one message, and the last edit always', async () => {
    const { draft, sent } = draftAgainst();
    for (const quantity of [1, 2, 3]) draft.change((offer) => withQuantity(offer, 'gold', quantity));
    assert.equal(draft.pending.get(), true);
    await settle(draft);
    assert.deepEqual(sent, [{ items: [], fungibles: { gold: 3 } }]);
    assert.equal(draft.pending.get(), false);
  });

  it('sends an edit that was made while another was on its way', async () => {
    const { draft, sent } = draftAgainst();
    draft.change((offer) => withItem(offer, 'a'));
    await new Promise((resolve) => setTimeout(resolve, 3));
    draft.change((offer) => withItem(offer, 'b'));
    await settle(draft);
    assert.deepEqual(sent.at(-1)?.items, ['a', 'b']);
    assert.equal(draft.revision, sent.length);
  });

  it('sends again after a lost answer and after BUSY', async () => {
    const { draft, sent } = draftAgainst([new AnswerLost(), refusal('BUSY')]);
    draft.change((offer) => withItem(offer, 'a'));
    await settle(draft);
    assert.equal(sent.length, 3);
    assert.equal(draft.pending.get(), false);
  });

  it('goes back to what stands when it is refused, and says why', async () => {
    const { draft, refused } = draftAgainst([undefined, refusal('INSUFFICIENT')]);
    draft.change((offer) => withQuantity(offer, 'gold', 1));
    await settle(draft);
    draft.change((offer) => withQuantity(offer, 'gold', 1000));
    await settle(draft);
    assert.deepEqual(draft.offer.get().fungibles, { gold: 1 });
    assert.deepEqual(refused.map(({ code }) => code), ['INSUFFICIENT']);
  });

  it('follows the server, but never an older table than its own last offer', async () => {
    const { draft } = draftAgainst();
    draft.follow({ items: ['x'], fungibles: {} }, 1);
    assert.deepEqual(draft.offer.get().items, ['x']);
    draft.change((offer) => withItem(withoutItem(offer, 'x'), 'y'));
    draft.follow({ items: ['x'], fungibles: {} }, 1);
    assert.deepEqual(draft.offer.get().items, ['y'], 'an edit on its way is not overwritten');
    await settle(draft);
    draft.follow({ items: ['x'], fungibles: {} }, draft.revision - 1);
    assert.deepEqual(draft.offer.get().items, ['y'], 'a late state is not taken for a new one');
  });

  it('takes two offers for the same whatever their order', () => {
    assert.equal(sameOffer({ items: ['a', 'b'], fungibles: { gold: 1, ore: 2 } }, { items: ['b', 'a'], fungibles: { ore: 2, gold: 1 } }), true);
    assert.equal(sameOffer({ items: [], fungibles: { gold: 1 } }, { items: [], fungibles: { ore: 1 } }), false);
  });
});
