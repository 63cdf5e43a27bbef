import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planRebalance } from '../../persistence/reshard/plan.ts';
import { shardOfSlot, SLOT_COUNT } from '../../persistence/slots.ts';

const fresh = (shards: number) => Array.from({ length: SLOT_COUNT }, (_, slot) => shardOfSlot(slot, shards));
const upTo = (count: number) => Array.from({ length: count }, (_, shard) => shard);

/** The map after the plan. @throws when a slot moves twice, or to where it is */
function moved(owners: readonly number[], targets: readonly number[]): { after: number[]; moves: number } {
  const after = [...owners];
  const plan = planRebalance(owners, targets);
  assert.equal(new Set(plan.map(({ slot }) => slot)).size, plan.length, 'a slot moves once');
  for (const { slot, target } of plan) {
    assert.notEqual(after[slot], target, 'no slot moves to where it is');
    after[slot] = target;
  }
  return { after, moves: plan.length };
}

const countOn = (owners: readonly number[], shard: number) => owners.filter((owner) => owner === shard).length;

/** Over every way to hand out the slots that are left over: the fewest that could have to leave. */
function fewest(owners: readonly number[], targets: readonly number[]): number {
  const share = Math.floor(owners.length / targets.length);
  const leftOver = owners.length % targets.length;
  const strangers = owners.filter((owner) => !targets.includes(owner)).length;
  const ways = (from: number, left: number): number => {
    if (from === targets.length) return left === 0 ? 0 : Number.POSITIVE_INFINITY;
    const count = countOn(owners, targets[from]!);
    const without = Math.max(0, count - share) + ways(from + 1, left);
    return left === 0 ? without : Math.min(without, Math.max(0, count - share - 1) + ways(from + 1, left - 1));
  };
  return strangers + ways(0, leftOver);
}

describe('the plan of a rebalance', () => {
  const map = fc.integer({ min: 1, max: 12 }).chain((shards) => fc.array(fc.nat(shards - 1), { minLength: 1, maxLength: 64 }));
  const someTargets = fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 8 });

  it('[SH4] gives every target its share and empties every other shard, whatever the map was', () => {
    fc.assert(
      fc.property(map, someTargets, (owners, targets) => {
        const { after } = moved(owners, targets);
        for (const target of targets) {
          const count = countOn(after, target);
          assert.ok(count === Math.floor(owners.length / targets.length) || count === Math.ceil(owners.length / targets.length), `${count} on ${target}`);
        }
        assert.ok(after.every((owner) => targets.includes(owner)));
      }),
    );
  });

  // Guards the order in which left-over slots are handed out: any other costs a move where a target has one too many.
  it('[SH4] moves as few slots as any plan could', () => {
    fc.assert(fc.property(map, someTargets, (owners, targets) => assert.equal(moved(owners, targets).moves, fewest(owners, targets))), { numRuns: 500 });
  });

  it('[SH4] is the same for the same map in whatever order the targets are named, and has nothing to do twice', () => {
    fc.assert(
      fc.property(map, someTargets, (owners, targets) => {
        assert.deepEqual(planRebalance(owners, targets.toReversed()), planRebalance(owners, targets));
        assert.deepEqual(planRebalance(moved(owners, targets).after, targets), []);
      }),
    );
  });

  it('[SH4] goes from 1 shard to 2, 10, 11 and back to 3 with 512, 818, 93 and 744 slots', () => {
    let owners = fresh(1);
    const counts: number[] = [];
    // By hand: 2 x (512 - 103); the eleventh gets a whole share; three keep what they have.
    for (const shards of [2, 10, 11, 3]) {
      const { after, moves } = moved(owners, upTo(shards));
      assert.equal(moves, fewest(owners, upTo(shards)));
      counts.push(moves);
      owners = after;
    }
    assert.deepEqual(counts, [512, 818, 93, 744]);
  });
});
