import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = path.resolve(import.meta.dirname, '../../web/dist');
const BYTES_MAX = 200_000;

/** What `index.html` loads by itself, and what its styles and scripts load after it. */
function firstLoad(): string[] {
  const page = readFileSync(path.join(DIST, 'index.html'), 'utf8');
  const named = [...page.matchAll(/(?:src|href)="(?:\.\/|\/)?([^"#]+)"/g)].map(([, file]) => file ?? '');
  return ['index.html', ...new Set(named.filter((file) => !/^(?:https?:|data:)/.test(file)))];
}

describe('web: the first load', () => {
  it('is under 200 KB compressed, all in all', function () {
    const sizes = firstLoad().map((file) => [file, gzipSync(readFileSync(path.join(DIST, file))).length] as const);
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    this.test!.title += ` (${(total / 1000).toFixed(1)} KB in ${sizes.length} files)`;
    assert.ok(sizes.some(([file]) => file.endsWith('.js')) && sizes.some(([file]) => file.endsWith('.css')), `no script, or no styles, among ${firstLoad().join(', ')}`);
    assert.ok(total < BYTES_MAX, `${total} bytes: ${JSON.stringify(Object.fromEntries(sizes))}`);
  });
});
