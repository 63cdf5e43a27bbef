import assert from 'node:assert/strict';
import fc from 'fast-check';
import { holdersOf, type Movement, type Posting } from '../../persistence/index.ts';
import { SERVICE_ACTOR, type CommandActor } from '../../persistence/posting.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { CommandId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { applyDelta, planDelta } from '../../schema/inventory-delta.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { CommitQueue } from '../../server/ledger/commit-queue.ts';
import { command, itemPosting, movement, newCommandId, redInvariants, startCluster, verdictOf, type TestCluster } from '../kit/cluster.ts';
import { Model } from '../kit/model.ts';
import { watchStatements, type Statements } from '../kit/statements.ts';
import { isFull } from '../share.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);
const RUNS = isFull() ? 500 : 200;
/** Sequences at a time, each of a seed of its own; what they ask at once is committed together. */
const LANES = 5;
const PLAYERS = 4;
const STEPS_MAX = 8;
/** Players are made so many at a time: one by one they cost more than what they do. */
const PLAYERS_AT_ONCE = 1_000;

const anyone = fc.option(fc.nat(PLAYERS - 1), { nil: null, freq: 5 });
const drafts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ what: fc.constantFrom('gold', 'ore'), from: anyone, to: anyone, quantity: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.constant(QUANTITY_MAX - 5)) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('gold'), from: fc.constant(null), to: fc.nat(PLAYERS - 1), quantity: fc.constant(QUANTITY_MAX - 5) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('new item'), to: fc.nat(PLAYERS - 1), bound: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('item'), which: fc.nat(), to: anyone, lie: fc.constantFrom('none', 'none', 'none', 'giver', 'version'), from: fc.nat(PLAYERS - 1) }) },
  ),
  { minLength: 1, maxLength: 5 },
);
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
/** `repeats` picks a command that acted before; `behind` says how many sessions ago the asking one began; what is `agreed` all holders ask for by their sessions. */
const requests = fc.record({ drafts, repeats: rarely(fc.nat()), otherwise: fc.boolean(), behind: rarely(fc.nat(1)), agreed: fc.boolean() });
/** One request, several at once of players who may all be the same, or a session that is taken. */
const step = fc.oneof({ weight: 6, arbitrary: requests }, { weight: 3, arbitrary: fc.array(requests, { minLength: 2, maxLength: 4 }) }, { weight: 1, arbitrary: fc.nat(PLAYERS - 1) });
type Request = typeof requests extends fc.Arbitrary<infer Value> ? Value : never;

describe('settling, compared with a model', () => {
  let cluster: TestCluster;
  let queue: CommitQueue;
  const spare: PlayerId[] = [];
  let more: Promise<unknown> | undefined;
  const seen = new Map<string, number>();
  /** When each was settled: who names an item that somebody else moves gives way. */
  const turns = new Map<Movement, number>();
  let turnsTaken = 0;
  const askedBy = new Map<CommandId, CommandActor>();
  let statements: Statements;
  before(async () => {
    cluster = await startCluster();
    statements = watchStatements(cluster.shards);
    queue = new CommitQueue({
      commit(batch) {
        for (const one of batch) turns.set(one, turnsTaken++);
        return cluster.storage.settle(batch);
      },
      mayRunAlone: () => true, laneOf: () => 'all', batchSizeMax: 2 * LANES, batchShareMin: LANES, roundsMax: 3, workersMax: 2, lengthMax: 4 * LANES, perHolderMax: 4,
    });
  });
  after(() => cluster.stop());

  /** Players whom no other run has. */
  async function freshPlayers(): Promise<PlayerId[]> {
    while (spare.length < PLAYERS) {
      more ??= cluster.manyPlayers(PLAYERS_AT_ONCE).then((made) => spare.push(...made)).finally(() => (more = undefined));
      await more;
    }
    return spare.splice(0, PLAYERS);
  }

  /** A request as it is sent, of what the model knows by now; undefined if nothing of it makes sense. */
  function movementOf(model: Model, players: PlayerId[], { drafts, repeats, otherwise, behind, agreed }: Request): Movement | undefined {
    const player = (at: number | null | undefined) => (at === null || at === undefined ? null : players[at]!);
    const named = new Set<ItemId>();
    const postings = drafts.flatMap((draft): Posting[] => {
      const [giver, receiver] = ['from' in draft ? player(draft.from) : null, player(draft.to)];
      if ('quantity' in draft) return giver === receiver ? [] : [{ asset: draft.what, quantity: draft.quantity, giver, receiver }];
      if ('bound' in draft) return [{ item: crypto.randomUUID() as ItemId, kind: 'sword', attributes: {}, bound: draft.bound, receiver: receiver! }];
      const [id, item] = [...model.items][draft.which % (model.items.size || 1)] ?? [];
      if (id === undefined || item === undefined || named.has(id)) return [];
      const owner = draft.lie !== 'giver' && item.holder !== null ? (item.holder as PlayerId) : giver!;
      if (owner === receiver) return [];
      named.add(id);
      return [itemPosting({ id, bound: item.bound, version: item.version + (draft.lie === 'version' ? 1 - 2 * (draft.which % 2) : 0) }, owner, receiver)];
    });
    const holders = holdersOf(movement(postings)) as PlayerId[];
    const [holder] = holders;
    if (holder === undefined) return undefined;
    const known = [...model.commands.keys()];
    const id = repeats !== null && known.length > 0 ? known[repeats % known.length]! : newCommandId();
    const fences = (behind !== null ? [holder] : []).concat(agreed ? holders.slice(behind === null ? 0 : 1) : []).map((player, at) => ({ player, epoch: (model.epochs.get(player) ?? 0) - (at === 0 ? (behind ?? 0) : 0) }));
    const actor = askedBy.get(id) ?? (agreed && !model.commands.has(id) ? holder : SERVICE_ACTOR);
    askedBy.set(id, actor);
    return movement(postings, { commands: [command({ id, actor, hash: Buffer.from(otherwise ? 'b' : 'a') })], fences });
  }

  /** Asks for all of it, one step after another, of the database and of the model. */
  async function compare(steps: (Request | Request[] | number)[]): Promise<void> {
    const players = await freshPlayers();
    const model = new Model();
    for (const player of players) model.epochs.set(player, 0);
    const gifts = players.map((receiver) => movement([{ asset: 'gold', quantity: 20, giver: null, receiver }, { item: crypto.randomUUID() as ItemId, kind: 'sword', attributes: {}, bound: false, receiver }]));
    await cluster.storage.settle(gifts);
    for (const gift of gifts) model.settle(gift);
    const shown = new Map<HolderId, Holdings>(players.map((player) => [player, model.holdings(player)]));
    for (const next of steps) {
      if (typeof next === 'number') {
        model.epochs.set(players[next]!, await cluster.storage.players.takeSession(players[next]!));
        continue;
      }
      const asked = (Array.isArray(next) ? next : [next]).flatMap((request) => movementOf(model, players, request) ?? []);
      const batch = [...new Map(asked.map((one) => [one.commands[0]?.id, one])).values()];
      const outcomes = await Promise.all(batch.map((asked) => queue.submit(asked)));
      const said = outcomes.map((outcome) => (outcome.status === 'known' ? `known as ${outcome.hash.toString()}` : verdictOf(outcome)));
      const inTurn = batch.toSorted((a, b) => turns.get(a)! - turns.get(b)!);
      const wanted = new Map(inTurn.map((asked) => [asked, model.settle(asked)]));
      assert.deepEqual(said, batch.map((asked) => wanted.get(asked)));
      for (const verdict of said) seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      // Who hears every delta knows what is there.
      for (const delta of inTurn.map((asked) => outcomes[batch.indexOf(asked)]!).flatMap((outcome) => (outcome.status === 'committed' ? outcome.deltas : []))) {
        const held = shown.get(delta.holderId)!;
        assert.equal(planDelta(held.version, delta.version), 'apply');
        shown.set(delta.holderId, applyDelta(held, delta));
      }
    }
    const truth = await cluster.storage.holdings.holdings(players);
    for (const player of players) {
      assert.deepEqual(ordered(truth.get(player)), ordered(model.holdings(player)));
      assert.deepEqual(ordered(shown.get(player)), ordered(model.holdings(player)));
    }
  }

  it(`[LD1] whatever is asked in whatever order ends as a plain model says, in ${RUNS.toLocaleString('en')} runs (seeds ${SEED} … ${SEED + LANES - 1})`, async function () {
    this.timeout(180_000);
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: STEPS_MAX }), async (steps) => {
      await compare(steps);
      runs++;
    });
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, lane) => fc.assert(property, { seed: SEED + lane, numRuns: RUNS / LANES })));
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
    assert.equal(runs, RUNS);
    // What the generator never reaches is not tested: each verdict must have come up.
    for (const verdict of ['committed', 'INSUFFICIENT', 'NOT_OWNER', 'ITEM_BOUND', 'SESSION_REPLACED', 'BAD_REQUEST', 'stale', 'known']) assert.ok([...seen.keys()].some((said) => said.startsWith(verdict)), `${runs} runs never met ${verdict}`);
    for (const way of [/^settle-sure-.*foreseen/, /^settle-sure-(?!.*foreseen)/, /^settle-act/]) assert.ok(statements.sent.some((name) => way.test(name)), `${runs} runs never acted by ${way}`);
    assert.deepEqual(await redInvariants(cluster.storage), []);
  });
});

function ordered(held: Holdings | undefined): Holdings | undefined {
  return held && { ...held, items: held.items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}
