import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BrokenInvariant } from '../../schema/invariant.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { SessionPool } from '../../server/sessions/index.ts';

const EMPTY = { playerId: '', epoch: 0, processId: '', roomId: '', takenAt: 0 };
type Pooled = ReturnType<SessionPool['acquire']>;

/** All that an object has of its own, hidden or not. */
const ownOf = (object: object) => Object.fromEntries(Reflect.ownKeys(object).map((key) => [key, Reflect.get(object, key) as unknown]));

/** Writes into whatever can be written, by every way of writing that there is; answers what refused. */
function poison(session: Pooled, poisons: readonly unknown[], added: readonly PropertyKey[]): PropertyKey[] {
  const value = (at: number) => poisons[at % poisons.length];
  for (const [at, key] of Reflect.ownKeys(session).entries()) assert.ok(Reflect.set(session, key, value(at)), `${String(key)} can be written`);
  const refused = added.filter((key, at) => !(at % 2 === 0 ? Reflect.set(session, key, value(at)) : Reflect.defineProperty(session, key, { value: value(at), configurable: true })));
  for (const key of Reflect.ownKeys(session)) assert.equal(Reflect.deleteProperty(session, key), false);
  assert.equal(Reflect.setPrototypeOf(session, { inherited: 'poison' }), false);
  return refused;
}

describe('the session pool', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withSet: true });
  const stranger = fc.oneof(fc.string({ minLength: 1 }).map((name) => `x-${name}`), fc.string().map((name) => Symbol(name)));
  const step = fc.oneof(fc.constant('acquire' as const), fc.record({ release: fc.nat(), poisons: fc.array(anything, { minLength: 1, maxLength: 5 }), added: fc.array(stranger, { maxLength: 3 }) }));

  // Guards each line of the reset in `close`, and `Object.seal`: what is added to an object would outlive any list of its fields.
  it('[SE6] nothing that was written to a session is there when it is used again, whatever it was and whatever was added', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(4), (steps, sparesMax) => {
        const pool = new SessionPool({ sparesMax });
        const held: { session: Pooled; generation: number }[] = [];
        const seen = new Set<Pooled>();
        for (const each of steps) {
          if (each === 'acquire') {
            const [isNew, spares] = [pool.spareCount === 0, pool.spareCount];
            const session = pool.acquire();
            assert.deepEqual(ownOf(session), EMPTY);
            assert.equal(seen.has(session), !isNew);
            assert.equal(pool.spareCount, Math.max(0, spares - 1));
            assert.ok(held.every((other) => other.session !== session), 'nobody shares it');
            seen.add(session);
            held.push({ session, generation: session.generation });
          } else if (held.length > 0) {
            const [{ session, generation }] = held.splice(each.release % held.length, 1) as [{ session: Pooled; generation: number }];
            assert.deepEqual(poison(session, each.poisons, each.added), each.added);
            pool.release(session, generation);
            assert.deepEqual(ownOf(session), EMPTY, 'it is empty at once, not only when it is needed');
            assert.ok(pool.spareCount <= sparesMax);
            assert.throws(() => pool.held(session, generation), BrokenInvariant);
            assert.throws(() => pool.release(session, generation), BrokenInvariant);
          }
          for (const { session, generation } of held) assert.equal(pool.held(session, generation), session);
        }
      }),
      { numRuns: 300 },
    );
  });

  // Guards the generation: a mere "is it free" would let the first holder into the second one's session.
  it('[SE6] who released a session neither uses nor releases it once it is somebody else’s', () => {
    const pool = new SessionPool({ sparesMax: 1 });
    const session = pool.acquire();
    const mine = session.generation;
    session.playerId = 'ann' as PlayerId;
    pool.release(session, mine);
    assert.equal(pool.acquire(), session, 'it is used again');
    const theirs = session.generation;
    assert.notEqual(theirs, mine);
    assert.throws(() => pool.held(session, mine), BrokenInvariant);
    assert.throws(() => pool.release(session, mine), BrokenInvariant);
    assert.equal(pool.held(session, theirs), session);
    pool.release(session, theirs);
    assert.throws(() => pool.release(session, session.generation), BrokenInvariant, 'what is free is nobody’s to release');
  });

  it('[SE6] what cannot be emptied is nobody’s any more', () => {
    const pool = new SessionPool({ sparesMax: 3 });
    const session = pool.acquire();
    Object.freeze(session);
    assert.throws(() => pool.release(session, session.generation), TypeError);
    assert.equal(pool.spareCount, 0);
  });

  it('[SE6] keeps no more spares than its bound, and none when it is told so', () => {
    for (const sparesMax of [0, 3]) {
      const pool = new SessionPool({ sparesMax });
      const sessions = Array.from({ length: 10 }, () => pool.acquire());
      for (const session of sessions) pool.release(session, session.generation);
      assert.equal(pool.spareCount, sparesMax);
      const again = Array.from({ length: 10 }, () => pool.acquire());
      assert.equal(again.filter((session) => sessions.includes(session)).length, sparesMax);
    }
  });
});
