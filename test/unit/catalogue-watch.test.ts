import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CatalogError, loadCatalog, watchCatalog, type Catalog } from '../../server/catalog/index.ts';
import { Refusal } from '../../schema/refusals.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const text = (...names: string[]) => `
assets:
${names.map((name) => `  - { name: ${name}, title: ${name}, icon: ${name}, type: fungible, stack: 1 }`).join('\n')}
zones:
  - { name: meadow, title: Meadow, width: 9, height: 9, spawn: { x: 1, y: 1 }, speed: 1, reach: 1, nodes: [] }
`;

describe('the catalogue of a running server', () => {
  let file: string;
  let remove: () => void;
  let catalog: Catalog;
  let stop: () => void;
  let heard: string[];

  /** Waits until the watcher said something for the nth time, and answers what. */
  async function word(nth = 1): Promise<string> {
    for (let waitedMs = 0; heard.length < nth && waitedMs < 3000; waitedMs += 10) await delay(10);
    return heard[nth - 1] ?? assert.fail('the watcher said nothing');
  }

  beforeEach(() => {
    const temporary = temporaryFolder();
    remove = temporary.remove;
    file = path.join(temporary.folder, 'catalog.yaml');
    writeFileSync(file, text('gold'));
    catalog = loadCatalog(file);
    heard = [];
    stop = watchCatalog(catalog, file, { changed: () => heard.push('changed'), refused: (error) => heard.push(error.message) });
  });
  afterEach(() => {
    stop();
    remove();
  });

  it('[CT2] takes up a file that is written in place, and tells who listens', async () => {
    let told = 0;
    const forget = catalog.onChange(() => told++);
    writeFileSync(file, text('gold', 'ore'));
    assert.equal(await word(), 'changed');
    assert.equal(catalog.fungible('ore').name, 'ore');
    assert.equal(told, 1);
    forget();
    writeFileSync(file, text('gold', 'ore', 'coal'));
    assert.equal(await word(2), 'changed');
    assert.equal(told, 1, 'who left is not told');
  });

  // Guards the watching of the folder: a watcher of the file itself follows the old inode and hears nothing more.
  it('[CT2] takes up a file that an editor puts in its place, again and again', async () => {
    for (const [nth, name] of ['ore', 'coal', 'wood'].entries()) {
      writeFileSync(`${file}.new`, text('gold', name));
      renameSync(`${file}.new`, file);
      assert.equal(await word(nth + 1), 'changed');
      assert.deepEqual(catalog.assets.map((asset) => asset.name), ['gold', name]);
    }
  });

  // Guards the parse before the replace: adopting first would leave half a catalogue.
  it('[CT2] keeps the old catalogue while the file is wrong, says where, and takes up the mended one', async () => {
    writeFileSync(file, text('gold', 'Ore'));
    assert.match(await word(), /^catalog\.yaml:4: assets\[1\]\.name: /);
    assert.deepEqual(catalog.assets.map(({ name }) => name), ['gold']);
    assert.ok(catalog.zone('meadow'));
    writeFileSync(file, '');
    assert.match(await word(2), /^catalog\.yaml:1: /);
    assert.equal(catalog.fungible('gold').name, 'gold');
    writeFileSync(file, text('silver'));
    assert.equal(await word(3), 'changed');
    assert.throws(() => catalog.fungible('gold'), (error) => error instanceof Refusal && error.code === 'UNKNOWN_ASSET');
  });

  it('[CT2] hears nothing of other files, nor after it was stopped', async () => {
    writeFileSync(path.join(path.dirname(file), 'other.yaml'), text('ore'));
    stop();
    writeFileSync(file, text('ore'));
    await delay(250);
    assert.deepEqual(heard, []);
    assert.deepEqual(catalog.assets.map(({ name }) => name), ['gold']);
  });

  it('[CT1] stops a start on a wrong file, and one that is not there', () => {
    writeFileSync(file, text('Gold'));
    assert.throws(() => loadCatalog(file), (error) => error instanceof CatalogError && error.message.startsWith('catalog.yaml:3: assets[0].name: '));
    assert.throws(() => loadCatalog(`${file}.none`), (error) => error instanceof CatalogError && /cannot be read/.test(error.message));
  });
});
