import assert from 'node:assert/strict';
import { depthOf } from '../../server/http/json-body.ts';

describe('the depth of a JSON body', () => {
  const CASES: [string, number][] = [
    ['', 0], ['5', 0], ['{}', 1], ['[[],[[]]]', 3], ['{"a":[{"b":1}],"c":[]}', 3],
    ['"[[["', 0], [String.raw`["\"[[[\\",{}]`, 2], [String.raw`{"\\":[]}`, 2], [']]][', 0], ['[1,2],[3]', 1],
  ];
  for (const [text, depth] of CASES) it(`of ${text === '' ? 'nothing' : text} is ${depth}`, () => assert.equal(depthOf(Buffer.from(text)), depth));
});
