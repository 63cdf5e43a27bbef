import assert from 'node:assert/strict';
import type { CommandId, PlayerId, TradeId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { Invitations } from '../../server/trading/index.ts';
import { openTrade } from '../kit/open-trade.ts';

const [ANN, BOB] = ['ann', 'bob'] as [PlayerId, PlayerId];
const OPEN_MAX = 3;
const tradeId = () => crypto.randomUUID() as TradeId;
const busy = (error: unknown) => error instanceof Refusal && error.code === 'BUSY';

describe('invitations', () => {
  let invitations: Invitations;
  let rooms: number;
  const makeRoom = async () => void rooms++;
  const invite = async (inviter = ANN, id = tradeId()) => {
    await invitations.open(inviter, id, makeRoom);
    return id;
  };
  const fill = () => Promise.all(Array.from({ length: OPEN_MAX }, () => invite()));
  /** How many more Ann may invite to; leaves them open. */
  const placesLeft = async () => {
    const asked = await Promise.allSettled(Array.from({ length: OPEN_MAX + 1 }, () => invite()));
    return asked.filter(({ status }) => status === 'fulfilled').length;
  };
  beforeEach(() => {
    invitations = new Invitations(OPEN_MAX);
    rooms = 0;
  });

  // Guards the bound in `open`, and that the place is taken before the room is made: all of these come in one turn.
  it('[TR11] are bounded per player, and one too many makes no room', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => invite()));
    assert.deepEqual(asked.map(({ status }) => status === 'fulfilled'), Array.from({ length: 10 }, (_, at) => at < OPEN_MAX));
    for (const one of asked) if (one.status === 'rejected') assert.ok(busy(one.reason), String(one.reason));
    assert.equal(rooms, OPEN_MAX);
    await invite(BOB);
    assert.equal(rooms, OPEN_MAX + 1, 'another player is not concerned');
  });

  // Guards the `catch` in `open`.
  it('[TR11] do not count a trade whose room could not be made', async () => {
    for (let times = 0; times <= OPEN_MAX; times++) {
      await assert.rejects(invitations.open(ANN, tradeId(), () => Promise.reject(new Error('no room'))), /no room/);
    }
    assert.equal(await placesLeft(), OPEN_MAX);
  });

  it('[TR11] give a place back once, however often the end is told', async () => {
    const [first] = await fill();
    for (let times = 0; times < 3; times++) invitations.ended(ANN, first!);
    invitations.ended(BOB, first!);
    invitations.ended(ANN, tradeId());
    assert.equal(await placesLeft(), 1);
  });

  /** Both accept an offer of Ann's. */
  const settle = async ({ trade }: ReturnType<typeof openTrade>) => {
    const { revision } = await trade.offer(ANN, { items: [], fungibles: { gold: 1 } });
    for (const player of [ANN, BOB]) await trade.accept(player, { commandId: crypto.randomUUID() as CommandId, revision });
  };
  const ENDS: Record<string, (opened: ReturnType<typeof openTrade>) => void | Promise<void>> = {
    'its cancel': ({ trade }) => trade.cancel(BOB),
    'its expiry': ({ trade }) => trade.callOff('expired'),
    'its settlement': settle,
    'the end of its room': ({ trade }) => trade.dispose(),
  };
  for (const [what, end] of Object.entries(ENDS)) {
    // Guards the call of `ended` in each of them: without it a player who trades a lot may invite no more.
    it(`[TR11] give the place of a trade back on ${what}`, async () => {
      const [, id] = await fill();
      const opened = openTrade({ id: id!, invitations });
      assert.equal(await placesLeft(), 0);
      await end(opened);
      assert.equal(await placesLeft(), 1);
    });
  }
});
