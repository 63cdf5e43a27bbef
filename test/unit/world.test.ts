import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CommandReader, KnownCommand, Movement, MovementOutcome } from '../../persistence/index.ts';
import type { Zone } from '../../schema/catalog.ts';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import { Idempotency, type Ledger } from '../../server/ledger/index.ts';
import { clampTo, distance, Gathering, stepTowards } from '../../server/world/index.ts';

const ZONE: Zone = {
  name: 'meadow', title: 'Meadow', width: 100, height: 50, spawn: { x: 0, y: 0 }, speed: 20, reach: 5,
  nodes: [{ id: 'ore-1', asset: 'ore', x: 10, y: 10, min: 2, max: 4, cooldownMs: 1000, xp: 7 }, { id: 'ore-2', asset: 'ore', x: 90, y: 40, min: 1, max: 1, cooldownMs: 1000, xp: 1 }],
};
const NEAR = { x: 10, y: 15 };
const ANN = 'ann' as PlayerId;
const BOB = 'bob' as PlayerId;
const newId = () => crypto.randomUUID() as CommandId;
const codeOf = (work: Promise<unknown>) => work.then(() => 'done', (error: unknown) => (error instanceof Refusal ? error.code : String(error)));

describe('walking', () => {
  const point = fc.record({ x: fc.double({ min: -1e6, max: 1e6, noNaN: true }), y: fc.double({ min: -1e6, max: 1e6, noNaN: true }) });

  // Guards the clamp to `reach` in stepTowards: without it a target is arrived at in one step.
  it('[ZN1] goes no farther than the speed allows, towards the target and not beyond it', () => {
    fc.assert(
      fc.property(point, point, fc.double({ min: 0.1, max: 10_000, noNaN: true }), fc.integer({ min: 0, max: 1000 }), (from, target, speed, elapsedMs) => {
        const to = stepTowards(from, target, speed, elapsedMs);
        const reach = (speed * elapsedMs) / 1000;
        assert.ok(distance(from, to) <= reach * (1 + 1e-9) + 1e-6, 'too fast');
        assert.ok(distance(to, target) <= distance(from, target) + 1e-6, 'away from the target');
        if (distance(from, target) <= reach) assert.deepEqual(to, target);
      }),
    );
  });

  it('[ZN1] stays inside the zone wherever one points', () => {
    fc.assert(fc.property(point, (anywhere) => {
      const { x, y } = clampTo(ZONE, anywhere);
      return x >= 0 && x <= ZONE.width && y >= 0 && y <= ZONE.height;
    }));
    assert.deepEqual([clampTo(ZONE, { x: -1, y: 51 }), clampTo(ZONE, { x: 3, y: 4 })], [{ x: 0, y: 50 }, { x: 3, y: 4 }]);
  });
});

describe('gathering', () => {
  let now: number;
  let submitted: Movement[];
  let stored: Map<string, KnownCommand>;
  let answer: (movement: Movement) => MovementOutcome | Promise<MovementOutcome>;
  let rolled: [number, number][];

  function open(): Gathering {
    const ledger = {
      async submit(movement: Movement) {
        const [command] = movement.commands;
        const known = stored.get(`${command?.actor}/${command?.id}`);
        if (known) return { status: 'known', command: 0, ...known };
        submitted.push(movement);
        const outcome = await answer(movement);
        if (outcome.status === 'committed' && command) stored.set(`${command.actor}/${command.id}`, { hash: command.hash, answer: command.answer(new Map()) });
        return outcome;
      },
    } as unknown as Ledger;
    const commands: CommandReader = { find: async (actor, id) => stored.get(`${actor}/${id}`) };
    const roll = (min: number, max: number) => {
      rolled.push([min, max]);
      return max;
    };
    return new Gathering({ ledger, idempotency: new Idempotency(commands), now: () => now, roll });
  }
  const gather = (gathering: Gathering, { actor = ANN, at = NEAR, nodeId = 'ore-1', commandId = newId(), zone = ZONE } = {}) => gathering.gather(actor, zone, at, { commandId, nodeId }, 3);

  beforeEach(() => {
    now = 1_000_000;
    submitted = [];
    stored = new Map();
    rolled = [];
    answer = () => ({ status: 'committed', transactionId: '' as never, deltas: [], answers: [] });
  });

  it('[ZN2] mints what the server rolled from the node\'s table, fenced by the session', async () => {
    assert.deepEqual(await gather(open()), { asset: 'ore', quantity: 4 });
    assert.deepEqual(rolled, [[2, 4]]);
    const [movement] = submitted;
    assert.deepEqual(movement?.postings, [{ asset: 'ore', quantity: 4, giver: null, receiver: ANN }]);
    assert.deepEqual(movement?.fences, [{ player: ANN, epoch: 3 }]);
    assert.deepEqual(movement?.experience, { player: ANN, xp: 7 });
  });

  it('[ZN2] rolls within the table when nobody interferes, and reaches both ends of it', async () => {
    const ledger = { submit: async () => answer({} as Movement) } as unknown as Ledger;
    const fair = new Gathering({ ledger, idempotency: new Idempotency({ find: async () => undefined }), now: () => (now += 1000) });
    const seen = new Set<number>();
    for (let times = 0; times < 200; times++) seen.add((await gather(fair)).quantity);
    assert.deepEqual([...seen].toSorted(), [2, 3, 4]);
  });

  // Guards the taking of the node before the commit: taken after it, both of two who reach at once are given.
  it('[ZN2] gives once per cooldown, of many who reach at once and to whatever room is opened again', async () => {
    const gathering = open();
    const codes = await Promise.all(Array.from({ length: 20 }, (_, at) => codeOf(gather(gathering, { actor: at % 2 ? ANN : BOB }))));
    assert.deepEqual(codes.toSorted(), [...Array.from({ length: 19 }, () => 'NOT_READY'), 'done']);
    assert.equal(submitted.length, 1);
    assert.equal(gathering.readyAt('meadow', 'ore-1'), now + 1000);
    now += 999;
    assert.equal(await codeOf(gather(gathering)), 'NOT_READY');
    now += 1;
    assert.equal(await codeOf(gather(gathering)), 'done');
  });

  it('[ZN2] cools each node of each zone by itself', async () => {
    const gathering = open();
    await gather(gathering);
    assert.equal(await codeOf(gather(gathering, { nodeId: 'ore-2', at: { x: 90, y: 40 } })), 'done');
    assert.equal(await codeOf(gather(gathering, { zone: { ...ZONE, name: 'forest' } })), 'done');
  });

  it('[ZN3] is TOO_FAR beyond reach and NOT_READY while it cools, in the table\'s order', async () => {
    const gathering = open();
    assert.equal(await codeOf(gather(gathering, { at: { x: 10, y: 15.01 } })), 'TOO_FAR');
    assert.equal(gathering.readyAt('meadow', 'ore-1'), 0);
    assert.equal(await codeOf(gather(gathering, { nodeId: 'gold-1' })), 'BAD_REQUEST');
    assert.equal(await codeOf(gather(gathering)), 'done');
    assert.equal(await codeOf(gather(gathering, { at: { x: 99, y: 49 } })), 'NOT_READY');
  });

  // Guards the restoring of `before`: without it a displaced session's refused gather cools the node for all.
  it('[ZN3] leaves the node ready when it was refused', async () => {
    const gathering = open();
    for (const outcome of [{ status: 'refused', code: 'SESSION_REPLACED', details: {} }, { status: 'stale', items: [] }] as MovementOutcome[]) {
      answer = () => outcome;
      assert.equal(await codeOf(gather(gathering)), outcome.status === 'refused' ? 'SESSION_REPLACED' : 'CONCURRENT_MODIFICATION');
      assert.equal(gathering.readyAt('meadow', 'ore-1'), 0);
    }
    answer = () => Promise.reject(new Refusal('BUSY'));
    assert.equal(await codeOf(gather(gathering)), 'BUSY');
    assert.equal(gathering.readyAt('meadow', 'ore-1'), 0);
  });

  it('[KE1] answers a repeat as the first time, at once, later, and from beyond reach, and gives nothing more', async () => {
    const gathering = open();
    const commandId = newId();
    const both = await Promise.all([gather(gathering, { commandId }), gather(gathering, { commandId })]);
    const later = await gather(gathering, { commandId });
    const far = await gather(gathering, { commandId, at: { x: 99, y: 49 } });
    assert.deepEqual([...both, later, far], Array.from({ length: 4 }, () => ({ asset: 'ore', quantity: 4 })));
    assert.equal(submitted.length, 1);
    now += 1000;
    assert.deepEqual(await gather(gathering, { commandId }), far, 'also when the node is ready again');
    assert.equal(submitted.length, 1);
  });

  it('[KE2] refuses the same id for another node, whether that is ready or not, and leaves it as it was', async () => {
    const gathering = open();
    const commandId = newId();
    await gather(gathering, { commandId });
    assert.equal(await codeOf(gather(gathering, { commandId, nodeId: 'ore-2', at: { x: 90, y: 40 } })), 'COMMAND_REUSED');
    assert.equal(await codeOf(gather(gathering, { commandId, nodeId: 'ore-2' })), 'COMMAND_REUSED', 'out of reach, too');
    assert.equal(gathering.readyAt('meadow', 'ore-2'), 0);
  });
});
