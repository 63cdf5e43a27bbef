import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from '@colyseus/core';
import { PatchRound } from '../../rooms/kit/patch-round.ts';

const INTERVAL_MS = 5;
const ROUNDS_MS = 100;

/** A room that counts how often it is told to send, and has something to send until then. */
function quietRoom() {
  const encoder = { hasChanges: false };
  const told = { times: 0 };
  const broadcastPatch = () => {
    told.times++;
    encoder.hasChanges = false;
  };
  return { room: { _serializer: { encoder }, broadcastPatch } as unknown as Room, told, change: () => void (encoder.hasChanges = true) };
}

describe('the round of patches', () => {
  it('has a room send each change once, soon, and nothing when nothing changed', async () => {
    const round = new PatchRound(INTERVAL_MS);
    const [busy, idle] = [quietRoom(), quietRoom()];
    const stops = [busy, idle].map(({ room }) => round.add(room));
    for (let change = 1; change <= 3; change++) {
      busy.change();
      await delay(ROUNDS_MS);
      assert.equal(busy.told.times, change);
    }
    assert.equal(idle.told.times, 0);
    for (const stop of stops) stop();
  });

  // The hook of every test file fails when the timer of an empty round is left.
  it('leaves out who is gone, ends with the last one, and begins again', async () => {
    const round = new PatchRound(INTERVAL_MS);
    const [gone, here] = [quietRoom(), quietRoom()];
    const [leave, stop] = [gone, here].map(({ room }) => round.add(room)) as [() => void, () => void];
    leave();
    for (const { change } of [gone, here]) change();
    await delay(ROUNDS_MS);
    assert.deepEqual([gone.told.times, here.told.times], [0, 1]);
    stop();
    const stopAgain = round.add(gone.room);
    await delay(ROUNDS_MS);
    assert.equal(gone.told.times, 1);
    stopAgain();
  });
});
