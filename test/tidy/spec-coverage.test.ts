import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';

const ids = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);

describe('tidy: docs/SPEC.md and the test titles', () => {
  let declared: string[];
  let tested: string[];
  before(() => {
    const tests = globSync('test/**/*.test.ts').map((file) => readFileSync(file, 'utf8'));
    declared = ids(readFileSync('docs/SPEC.md', 'utf8'), /^- \*\*([A-Z]{2}\d+)\*\*/gm);
    tested = ids(tests.join('\n'), /(?:it|describe)\(\s*[`'"]\[([A-Z]{2}\d+)\]/g);
  });

  it('name every rule by a test', () => {
    assert.deepEqual(declared.filter((id) => !tested.includes(id)), []);
  });

  it('name no rule that does not exist', () => {
    assert.deepEqual(tested.filter((id) => !declared.includes(id)), []);
  });

  it('declare every rule once', () => {
    assert.deepEqual(declared.filter((id, index) => declared.indexOf(id) !== index), []);
  });
});
