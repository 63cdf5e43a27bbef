import assert from 'node:assert/strict';
import fc from 'fast-check';
import { quoted, quotedJson } from '../../persistence/array-literal.ts';

describe('array literals', () => {
  // Guards what `quotedJson` relies on: a JSON text has nothing in it that a string of JSON escapes and an element of an array does not.
  it('write a JSON text as any other text', () => {
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), (json) => assert.equal(quotedJson(json), quoted(json))), { examples: [[JSON.stringify('\u0000\n\\"\u2028\ud800 é')]] });
  });
});
