import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/core';
import { PatchRound, type Timers } from '../../rooms/kit/patch-round.ts';

const INTERVAL_MS = 100;
const SOON_MS = 20;
const NOBODY = { report: (report: unknown) => assert.fail(JSON.stringify(report)) };

/** A room that counts how often it is told to send, and has something to send until then. */
function quietRoom() {
  const encoder = { hasChanges: false };
  const told = { times: 0, ticks: 0 };
  const broadcastPatch = () => {
    told.times++;
    encoder.hasChanges = false;
  };
  const room = { roomId: 'r', roomName: 'zone', _serializer: { encoder }, clock: { tick: () => told.ticks++ }, setTimestep: () => undefined, patchRate: 50 as number | null, broadcastPatch };
  return { room: room as unknown as Room, told, change: () => void (encoder.hasChanges = true) };
}

/** Time that passes only when something works. */
class Simulation implements Timers {
  #nowMs = 0;
  #due: { atMs: number; run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const task = { atMs: this.#nowMs + Math.max(0, ms), run };
    this.#due.push(task);
    return () => void (this.#due = this.#due.filter((one) => one !== task));
  }

  work(ms: number): void {
    this.#nowMs += ms;
  }

  every(ms: number, run: () => void): void {
    this.after(ms - (this.#nowMs % ms), () => {
      run();
      this.every(ms, run);
    });
  }

  runUntil(endMs: number): void {
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#due = this.#due.filter((task) => task !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }
}

describe('the round of patches', () => {
  it('has a room send each change once, soon, and nothing when nothing changed', async () => {
    const round = new PatchRound(SOON_MS, NOBODY);
    const [busy, idle] = [quietRoom(), quietRoom()];
    const stops = [busy, idle].map(({ room }) => round.add(room));
    for (let change = 1; change <= 3; change++) {
      busy.change();
      await delay(10 * SOON_MS);
      assert.equal(busy.told.times, change);
    }
    assert.equal(idle.told.times, 0);
    for (const stop of stops) stop();
  });

  // The hook of every test file fails when the timer of an empty round is left.
  it('leaves out who is gone, ends with the last one, and begins again', async () => {
    const round = new PatchRound(SOON_MS, NOBODY);
    const [gone, here] = [quietRoom(), quietRoom()];
    const [leave, stop] = [gone, here].map(({ room }) => round.add(room)) as [() => void, () => void];
    leave();
    for (const { change } of [gone, here]) change();
    await delay(10 * SOON_MS);
    assert.deepEqual([gone.told.times, here.told.times], [0, 1]);
    stop();
    const stopAgain = round.add(gone.room);
    await delay(10 * SOON_MS);
    assert.equal(gone.told.times, 1);
    stopAgain();
  });

  it('may be left by a room at its own turn, be it the last', async () => {
    const round = new PatchRound(SOON_MS, NOBODY);
    let turns = 0;
    const leave: () => void = round.add(quietRoom().room, () => {
      turns++;
      leave();
    });
    await delay(10 * SOON_MS);
    assert.equal(turns, 1);
  });

  // Guards the moments counted from the beginning: counted from the latest turn, a tenth of them is lost here.
  it('[RM6] gives each room as many turns as there were intervals, though they are late', () => {
    const time = new Simulation();
    const round = new PatchRound(INTERVAL_MS, NOBODY, time);
    const turns = Array.from({ length: 30 }, () => 0);
    for (const at of turns.keys()) {
      round.add(quietRoom().room, () => {
        turns[at]!++;
        time.work(2);
      });
    }
    time.every(130, () => time.work(25));
    time.runUntil(100 * INTERVAL_MS);
    for (const count of turns) assert.ok(count >= 98 && count <= 100, `${count} turns in 100 intervals`);
  });

  // Guards the slots: in one of them all have their turns at once.
  it('[RM6] spreads the rooms over the interval, also when some left', () => {
    const time = new Simulation();
    const round = new PatchRound(INTERVAL_MS, NOBODY, time);
    const at: number[] = [];
    const stops = Array.from({ length: 20 }, () => round.add(quietRoom().room, () => assert.fail('it has left')));
    for (const stop of stops) stop();
    for (let room = 0; room < 20; room++) round.add(quietRoom().room, () => void at.push(Math.round(time.nowMs())));
    time.runUntil(INTERVAL_MS);
    assert.deepEqual(at, Array.from({ length: 20 }, (_, slot) => (slot + 1) * 5));
  });

  // Guards the wait between two moments that are past: without it what came is heard after all of them.
  it('[RM6] hears what has come between two turns that are both late', () => {
    const time = new Simulation();
    const round = new PatchRound(INTERVAL_MS, NOBODY, time);
    const heard: string[] = [];
    for (const name of ['a', 'b', 'c']) round.add(quietRoom().room, () => heard.push(name));
    time.after(4, () => {
      time.work(50);
      time.after(0, () => heard.push('a message'));
    });
    time.runUntil(INTERVAL_MS);
    assert.deepEqual(heard, ['b', 'a message', 'c', 'a'], 'the first place of the interval is the first room’s, and was over');
  });

  // Guards the turns that are left out: without it a stall of ten intervals is ten turns at once.
  it('[RM6] sends nobody the past: of turns that were missed by a stall, one is had', () => {
    const time = new Simulation();
    const round = new PatchRound(INTERVAL_MS, NOBODY, time);
    const at: number[] = [];
    for (let room = 0; room < 3; room++) round.add(quietRoom().room, () => at.push(time.nowMs()));
    time.after(1, () => time.work(10 * INTERVAL_MS));
    time.runUntil(11 * INTERVAL_MS);
    assert.equal(at.length, 3 * 2, at.join(' '));
  });

  // Guards the net around each turn.
  it('[RM6] goes on when a room throws, and reports it', () => {
    const time = new Simulation();
    const reported: unknown[] = [];
    const round = new PatchRound(INTERVAL_MS, { report: (report) => void reported.push(report) }, time);
    const error = new Error('no such place');
    const other = quietRoom();
    round.add(quietRoom().room, () => {
      throw error;
    });
    round.add(other.room, () => other.change());
    time.runUntil(2 * INTERVAL_MS);
    assert.equal(other.told.times, 2);
    assert.deepEqual(reported.slice(0, 2), [{ ref: 'r', type: 'zone.patch', error }, { ref: 'r', type: 'zone.patch', error }]);
  });

  it('moves the clocks of its rooms, by which their messages are counted, four times a second', () => {
    const time = new Simulation();
    const [round, { room, told }] = [new PatchRound(50, NOBODY, time), quietRoom()];
    round.add(room);
    time.runUntil(10_000);
    assert.ok(told.ticks >= 39 && told.ticks <= 41, `${told.ticks} times in 10 s`);
    assert.equal(room.patchRate, null);
  });
});
