import assert from 'node:assert/strict';
import { SchemaSerializer, type Client, type Room } from '@colyseus/core';
import { Decoder } from '@colyseus/schema';
import fc from 'fast-check';
import { makeSpace } from '../../rooms/kit/encoder-space.ts';
import { readHoldings, writeDelta } from '../../rooms/kit/player-view.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { ItemId, PlayerId } from '../../schema/ids.ts';
import { diffHoldings } from '../../schema/inventory-delta.ts';
import { PlayerState } from '../../schema/states/player-state.ts';

const PLAYER = '01890a5d-ac96-774b-bcce-b302099a8057' as PlayerId;
const NOTHING: Holdings = { version: 0, fungibles: {}, items: [] };

/** A player's room as far as its wire goes. */
function wire() {
  const state = new PlayerState();
  const serializer = new SchemaSerializer<PlayerState>();
  serializer.reset(state);
  return { state, serializer, room: { _serializer: serializer } as unknown as Room };
}

/** What the framework complains about meanwhile. */
function warnings(work: () => void): string[] {
  const { warn } = console;
  const heard: string[] = [];
  console.warn = (text: string) => void heard.push(text);
  try {
    work();
  } finally {
    console.warn = warn;
  }
  return heard;
}

const holdings = (items: number): Holdings => ({
  version: 1,
  fungibles: { gold: 2 ** 53 - 1 },
  items: Array.from({ length: items }, (_, at) => ({ id: `01890a5d-ac96-774b-bcce-${String(at).padStart(12, '0')}` as ItemId, kind: 'sword', version: 1, bound: false, attributes: { damage: 30 } })),
});

/** The first byte of a frame says what it is; what follows is the state. */
function decoded(frame: Uint8Array): PlayerState {
  const shown = new PlayerState();
  new Decoder(shown).decode(frame, { offset: 1 });
  return shown;
}

describe('the space of an encoder', () => {
  // Guards `makeSpace`: without it the framework warns, and encodes everything again at every join.
  it('holds a large inventory at once, as a full state and as a patch', () => {
    const { state, serializer, room } = wire();
    const joining = [{ state: 1, raw: (frame: Uint8Array) => void frames.push(frame.slice()) }] as unknown as Client[];
    const frames: Uint8Array[] = [];
    const rich = holdings(1_000);
    const heard = warnings(() => {
      makeSpace(room, writeDelta(state, diffHoldings(PLAYER, NOTHING, rich)));
      frames.push(serializer.getFullState());
      serializer.applyPatches(joining);
    });
    assert.deepEqual(heard, []);
    assert.equal(frames.length, 2);
    for (const frame of frames) assert.deepEqual(readHoldings(decoded(frame)), rich);
    const { state: other, serializer: small } = wire();
    writeDelta(other, diffHoldings(PLAYER, NOTHING, rich));
    assert.equal(warnings(() => small.getFullState()).length, 1);
  });

  it('is never less than a change is sent in, whatever the texts and numbers are', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const item = fc.record({ id: fc.uuid(), kind: text, version: fc.integer({ min: 1, max: 2 ** 53 - 1 }), bound: fc.boolean(), attributes: fc.dictionary(text, text, { maxKeys: 3 }) });
    const held = fc.record({ version: fc.integer({ min: 1, max: 2 ** 53 - 1 }), fungibles: fc.dictionary(text, fc.integer({ min: 1, max: 2 ** 53 - 1 }), { maxKeys: 8 }), items: fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 8 }) });
    fc.assert(
      fc.property(held, held, (before, after) => {
        const { state, serializer } = wire();
        const frames: number[] = [];
        const joined = [{ state: 1, raw: ({ length }: Uint8Array) => void frames.push(length) }] as unknown as Client[];
        let sent = NOTHING;
        for (const next of [before, after] as Holdings[]) {
          const bytes = writeDelta(state, diffHoldings(PLAYER, sent, next));
          serializer.applyPatches(joined);
          assert.ok((frames.pop() ?? 0) <= bytes);
          sent = next;
        }
      }),
    );
  });
});
