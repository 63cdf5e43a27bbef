import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { PlayerId } from '../../schema/ids.ts';
import { authenticator } from '../../rooms/kit/authenticated-room.ts';

describe('the authenticator of rooms', () => {
  const playerId = randomUUID() as PlayerId;
  const onAuth = authenticator(async () => ({ playerId }), ({ zone }) => ({ zone }));

  // Guards that the client stays in the options: the framework authenticates the same object again when a room's process turns out to be dead.
  it('[SE7] knows whose client it is however often the matchmaker tries', async () => {
    const clientId = randomUUID();
    const options = { zone: 'meadow', clientId, playerId: 'forged' };
    const seats = [await onAuth('token', options), await onAuth('token', options), await onAuth('token', options)];
    assert.deepEqual(seats, Array.from({ length: 3 }, () => ({ playerId, clientId })));
    assert.deepEqual(options, { zone: 'meadow', clientId });
  });

  it('[SE7] [RM3] refuses what is no client’s id', async () => {
    await assert.rejects(onAuth('token', { zone: 'meadow', clientId: 'me' }), /BAD_REQUEST/);
    assert.deepEqual(await onAuth('token', { zone: 'meadow' }), { playerId });
  });
});
