import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { SERVICE_ACTOR, type CommandActor, type KnownCommand } from '../../persistence/index.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { hashCommand, Idempotency, sameAnswer } from '../../server/ledger/index.ts';

const ANN = 'ann' as PlayerId;
const ID = '00000000-0000-4000-8000-000000000001' as CommandId;
const reused = (error: unknown) => error instanceof Refusal && error.code === 'COMMAND_REUSED';

describe('idempotency', () => {
  let stored: Map<string, KnownCommand>;
  let idempotency: Idempotency;
  let ran: number;
  const open = () => new Idempotency({ find: async (actor, id) => stored.get(`${actor}/${id}`) });

  /** Work that stores its answer as a movement would, in the transaction that acts. */
  const ask = (payload: unknown, { actor = ANN as CommandActor, id = ID, type = 'test', through = idempotency, work = async (): Promise<unknown> => 'done' } = {}) =>
    through.once({ actor, id, type, payload }, async (hash) => {
      ran++;
      const known = stored.get(`${actor}/${id}`);
      if (known) return sameAnswer(id, hash, known);
      const answer = await work();
      stored.set(`${actor}/${id}`, { hash, answer });
      return answer;
    });

  beforeEach(() => {
    stored = new Map();
    idempotency = open();
    ran = 0;
  });

  // Guards `#running`: without it a repeat that overtakes the first acts beside it.
  it('[KE1] lets a repeat that comes while the first runs wait for its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ gold: 1 })));
    assert.deepEqual(new Set(answers), new Set(['done']));
    assert.equal(ran, 1);
  });

  it('[KE1] answers a repeat from what was stored, also after a restart', async () => {
    await ask({ gold: 1 });
    assert.equal(await ask({ gold: 1 }, { through: open(), work: async () => 'again' }), 'done');
  });

  // Guards the look into the store when the work refuses: by then the reason for it may be the first time's own effect.
  it('[KE1] answers a repeat as the first time even where the work would be refused by now', async () => {
    await ask({ gold: 1 });
    const refusing = () => idempotency.once({ actor: ANN, id: ID, type: 'test', payload: { gold: 1 } }, async () => Promise.reject(new Refusal('INSUFFICIENT')));
    assert.equal(await refusing(), 'done');
    stored.clear();
    await assert.rejects(refusing(), (error) => error instanceof Refusal && error.code === 'INSUFFICIENT');
  });

  it('[KE1] keeps no refusal: the same id may be asked again and act', async () => {
    const refused = () => Promise.reject(new Refusal('BUSY'));
    await assert.rejects(ask({ gold: 1 }, { work: refused }), (error) => error instanceof Refusal && error.code === 'BUSY');
    assert.equal(await ask({ gold: 1 }), 'done');
  });

  it('[KE1] tells actors apart: one\'s id is not another\'s', async () => {
    await ask({ gold: 1 });
    assert.equal(await ask({ gold: 2 }, { actor: 'bob' as PlayerId, work: async () => 'of bob' }), 'of bob');
    assert.equal(await ask({ gold: 3 }, { actor: SERVICE_ACTOR, work: async () => 'of the service' }), 'of the service');
  });

  // Guards the comparison of hashes, at once (in memory) and afterwards (in the store).
  it('[KE2] refuses the same id with another payload or of another type, at once and afterwards', async () => {
    const first = ask({ gold: 1 });
    await assert.rejects(ask({ gold: 2 }), reused);
    await assert.rejects(ask({ gold: 1 }, { type: 'other' }), reused);
    await first;
    await assert.rejects(ask({ gold: 2 }), reused);
    await assert.rejects(ask({ gold: 1 }, { type: 'other', through: open() }), reused);
    await assert.rejects(idempotency.once({ actor: ANN, id: ID, type: 'test', payload: { gold: 2 } }, () => Promise.reject(new Refusal('NOT_READY'))), reused);
  });

  it('[KE2] takes a payload for the same whatever the order of its keys, and for another if anything else differs', () => {
    const payload = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true });
    fc.assert(
      fc.property(payload, payload, (one, other) => {
        const backwards = Object.fromEntries(Object.entries(one).toReversed());
        assert.deepEqual(hashCommand('test', backwards), hashCommand('test', one));
        const asJson = [one, other].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
        if (!isDeepStrictEqual(asJson[0], asJson[1])) assert.notDeepEqual(hashCommand('test', one), hashCommand('test', other));
      }),
    );
    assert.notDeepEqual(hashCommand('a', [1, 2]), hashCommand('a', [2, 1]));
    assert.notDeepEqual(hashCommand('a', 1), hashCommand('b', 1));
  });

  it('[KE4] says what became of a command, or that nothing did', async () => {
    assert.deepEqual(await idempotency.outcome(ANN, ID), { known: false });
    await ask({ gold: 1 });
    assert.deepEqual(await idempotency.outcome(ANN, ID), { known: true, answer: 'done' });
  });
});
