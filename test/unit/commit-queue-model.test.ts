import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Turns, type Movement, type MovementOutcome } from '../../persistence/index.ts';
import { moves, nameOf, openQueue, type Flight } from '../kit/flights.ts';

const LONG_MS = 60_000;

describe('the commit queue, whoever asks and whatever ends first', () => {
  const request = fc.record({ holders: fc.subarray([...'ABCDE'], { minLength: 1, maxLength: 3 }), lane: fc.constantFrom('0', '1'), poisoned: fc.nat(9).map((n) => n === 0) });
  const step = fc.oneof({ weight: 3, arbitrary: fc.array(request, { minLength: 1, maxLength: 4 }) }, { weight: 2, arbitrary: fc.nat() });
  const bounds = fc.record({ batchSizeMax: fc.integer({ min: 1, max: 4 }), workersMax: fc.integer({ min: 1, max: 3 }), roundsMax: fc.integer({ min: 1, max: 3 }), turnsMax: fc.option(fc.integer({ min: 1, max: 3 }), { nil: Infinity }) });

  it('[TQ2] [TQ7] has one commit per holder at a time, in order, in bounds and turns, and for nothing else is waited', async () => {
    const run = async ({ turnsMax, ...bounds }: { batchSizeMax: number; workersMax: number; roundsMax: number; turnsMax: number }, steps: (typeof step extends fc.Arbitrary<infer Value> ? Value : never)[]) => {
      const { batchSizeMax, workersMax, roundsMax } = bounds;
      const { queue, flights, told, submit } = openQueue({ ...bounds, turns: new Turns({ atOnceMax: turnsMax, holdMaxMs: LONG_MS }) });
      const asked: { movement: Movement; holders: string[]; poisoned: boolean }[] = [];
      const under = new Set<Flight>();
      const taken = new Set<string>();
      const acted: string[] = [];
      let seen = 0;
      const entryOf = (movement: Movement) => asked.find((entry) => entry.movement === movement)!;
      const look = () => {
        for (const flight of flights.slice(seen)) under.add(flight);
        seen = flights.length;
        const busy = [...under].flatMap(({ batch }) => [...new Set(batch.flatMap((movement) => entryOf(movement).holders))]);
        assert.equal(new Set(busy).size, busy.length, 'a holder is in one commit under way');
        assert.ok(under.size <= turnsMax, 'so many have a turn');
        for (const { batch } of under) {
          for (const holder of 'ABCDE') assert.ok(batch.filter((movement) => entryOf(movement).holders.includes(holder)).length <= roundsMax);
        }
        const flightOf = (movement: Movement) => [...under].find(({ batch }) => batch.includes(movement));
        for (const flight of under) {
          assert.ok(flight.batch.length >= 1 && flight.batch.length <= batchSizeMax);
          for (const movement of flight.batch) taken.add(nameOf(movement));
        }
        const pending = asked.filter(({ movement }) => !told.has(nameOf(movement)));
        for (const [at, { movement, holders }] of pending.entries()) {
          const earlier = pending.slice(0, at).filter((other) => other.holders.some((holder) => holders.includes(holder)));
          const flight = flightOf(movement);
          for (const other of earlier) {
            if (flight === undefined) continue;
            assert.ok(flight === flightOf(other.movement), 'who came before is first, or in the same commit');
            assert.ok(flight.batch.indexOf(other.movement) < flight.batch.indexOf(movement), 'and in front');
          }
          const before = earlier.length > 0;
          const workers = [...under].filter(({ batch }) => batch[0]?.reason === movement.reason).length;
          assert.ok(workers <= workersMax);
          if (!before && !taken.has(nameOf(movement))) assert.ok(workers === workersMax || under.size === turnsMax, 'it waits for nothing');
        }
        assert.equal(queue.length, pending.length);
      };
      const land = async (which: number) => {
        const flight = [...under][which % under.size];
        if (flight === undefined) return;
        under.delete(flight);
        const bad = flight.batch.filter((movement) => entryOf(movement).poisoned);
        if (bad.length === 0) acted.push(...flight.batch.map(nameOf));
        await flight.land(bad.length === 0 ? undefined : bad.map(nameOf).join(' '));
        look();
      };
      for (const next of steps) {
        if (typeof next === 'number') await land(next);
        else {
          for (const { holders, lane, poisoned } of next) {
            const movement = moves(`${asked.length}`, holders.join(''), lane);
            asked.push({ movement, holders, poisoned });
            submit(movement);
          }
          await turn();
          look();
        }
      }
      for (let which = 0; under.size > 0; which += 7) await land(which);
      assert.deepEqual(new Map([...told].toSorted()), new Map(asked.map(({ movement, poisoned }) => [nameOf(movement), poisoned ? nameOf(movement) : `did ${nameOf(movement)}`] as const).toSorted()));
      assert.equal(new Set(acted).size, acted.length, 'each acted once');
      assert.equal(queue.length, 0);
    };
    await fc.assert(fc.asyncProperty(bounds, fc.array(step, { minLength: 1, maxLength: 20 }), run), { numRuns: 300 });
  });

  const given = fc.record({ holders: fc.subarray([...'ABCDE'], { minLength: 1, maxLength: 3 }), lane: fc.constantFrom('0', '1'), items: fc.subarray([...'stu'], { maxLength: 2 }), doubted: fc.nat(5).map((n) => n === 0), hopeless: fc.boolean() });
  const wave = fc.oneof({ weight: 3, arbitrary: fc.array(given, { minLength: 1, maxLength: 6 }) }, { weight: 2, arbitrary: fc.nat() });

  // Guards what `#stepAside` does about those who were behind: forgotten, they would wait for good.
  it('[TQ2] [TQ6] has nobody name an item that the same commit names, and tells all, whoever stepped aside', async () => {
    const run = async (bounds: { batchSizeMax: number; workersMax: number; roundsMax: number }, steps: (typeof wave extends fc.Arbitrary<infer Value> ? Value : never)[]) => {
      const asked = new Map<Movement, { holders: string[]; items: string[]; doubted: boolean; hopeless: boolean }>();
      const judge = (movements: readonly Movement[]) => Promise.resolve(movements.map((movement): MovementOutcome | undefined => (asked.get(movement)?.hopeless ? { status: 'refused', code: 'NOT_OWNER', details: {} } : undefined)));
      const { queue, flights, told, submit } = openQueue({ ...bounds, doubts: (movement) => asked.get(movement)?.doubted === true, judge });
      const under = new Set<Flight>();
      let seen = 0;
      const look = () => {
        for (const flight of flights.slice(seen)) {
          under.add(flight);
          // Those who are first of all their lines come by themselves; nobody who goes along names what is named.
          const named = flight.batch.map((movement) => asked.get(movement)!);
          for (const [at, one] of named.entries()) {
            const before = named.slice(0, at);
            if (before.some(({ holders }) => holders.some((holder) => one.holders.includes(holder)))) assert.ok(!before.some(({ items }) => items.some((item) => one.items.includes(item))), 'an item is named twice');
          }
        }
        seen = flights.length;
        const busy = [...under].flatMap(({ batch }) => [...new Set(batch.flatMap((movement) => asked.get(movement)!.holders))]);
        assert.equal(new Set(busy).size, busy.length, 'a holder is in one commit under way');
      };
      const land = async (which: number) => {
        const flight = [...under][which % under.size];
        if (flight === undefined) return;
        under.delete(flight);
        await flight.land();
        look();
      };
      for (const next of steps) {
        if (typeof next === 'number') await land(next);
        else {
          for (const { lane, ...request } of next) {
            const movement = moves(`${asked.size}`, request.holders.join(''), lane, request.items);
            asked.set(movement, request);
            submit(movement);
          }
          await turn();
          look();
        }
      }
      for (let which = 0; under.size > 0; which += 7) await land(which);
      assert.deepEqual(new Map([...told].toSorted()), new Map([...asked].map(([movement, { doubted, hopeless }]) => [nameOf(movement), doubted && hopeless ? 'refused' : `did ${nameOf(movement)}`] as const).toSorted()));
      assert.equal(queue.length, 0);
    };
    const bounds = fc.record({ batchSizeMax: fc.integer({ min: 1, max: 5 }), workersMax: fc.integer({ min: 1, max: 3 }), roundsMax: fc.integer({ min: 1, max: 5 }) });
    await fc.assert(fc.asyncProperty(bounds, fc.array(wave, { minLength: 1, maxLength: 20 }), run), { numRuns: 300 });
  });
});
