import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { CatalogError, parseCatalog } from '../../server/catalog/index.ts';

const LINES = `assets:
  - { name: gold, title: Gold, icon: gold, type: fungible, stack: 9999 }
  - { name: ore, title: Ore, icon: ore, type: fungible, stack: 100 }
  - name: sword
    title: Sword
    icon: sword
    type: unique
    stack: 1
zones:
  - name: meadow
    title: Meadow
    width: 100
    height: 50
    spawn: { x: 10, y: 10 }
    speed: 20
    reach: 5
    nodes:
      - { id: ore-1, asset: ore, x: 1, y: 1, min: 1, max: 3, cooldownMs: 1000, xp: 5 }
      - id: ore-2
        asset: ore
        x: 2
        y: 2
        min: 1
        max: 3
        cooldownMs: 1000
        xp: 5`.split('\n');

/** The catalogue with some of its lines replaced; line numbers count from 1. */
const edited = (edits: Record<number, string>) => LINES.map((line, at) => edits[at + 1] ?? line).join('\n');

function complaint(text: string): string {
  try {
    parseCatalog(text, 'catalog.yaml');
  } catch (error) {
    assert.ok(error instanceof CatalogError, String(error));
    assert.ok(!error.message.includes('\n'), 'more than one line');
    return error.message;
  }
  return assert.fail('the catalogue was accepted');
}

/** What is wrong, the lines that make it so, and where the message must point. */
const MISTAKES: [what: string, edits: Record<number, string>, message: RegExp][] = [
  ['a stack of zero', { 8: '    stack: 0' }, /^catalog\.yaml:8: assets\[2\]\.stack: /],
  ['a stack in quotes', { 8: '    stack: "1"' }, /^catalog\.yaml:8: assets\[2\]\.stack: /],
  ['a stack beyond 2^53 − 1', { 8: '    stack: 9007199254740993' }, /^catalog\.yaml:8: assets\[2\]\.stack: /],
  ['an unknown type', { 7: '    type: rare' }, /^catalog\.yaml:7: assets\[2\]\.type: /],
  ['a field that is not there', { 6: '    # no icon' }, /^catalog\.yaml:4: assets\[2\]\.icon: /],
  ['a field that nobody knows', { 8: '    stack: 1\n    weight: 5' }, /^catalog\.yaml:4: assets\[2\]: .*weight/],
  ['a name in upper case', { 4: '  - name: Sword' }, /^catalog\.yaml:4: assets\[2\]\.name: /],
  ['a name that the language has', { 4: '  - name: constructor' }, /^catalog\.yaml:4: assets\[2\]\.name: /],
  ['an icon that is a path', { 6: '    icon: ../secret' }, /^catalog\.yaml:6: assets\[2\]\.icon: /],
  ['an empty title', { 5: '    title: ""' }, /^catalog\.yaml:5: assets\[2\]\.title: /],
  ['an asset that stands twice', { 4: '  - name: gold' }, /^catalog\.yaml:4: assets\[2\]\.name: "gold" stands twice/],
  ['a bound fungible', { 3: '  - { name: ore, title: Ore, icon: ore, type: fungible, stack: 100, bound: true }' }, /^catalog\.yaml:3: assets\[1\]\.bound: only a unique kind/],
  ['a leaderboard that stands twice', { 26: `        xp: 5\nboards:\n  - { name: arena, title: A, rule: best }\n  - { name: arena, title: B, rule: best }` }, /^catalog\.yaml:29: boards\[1\]\.name: "arena" stands twice/],
  ['a rule that no leaderboard has', { 26: `        xp: 5\nboards:\n  - { name: arena, title: A, rule: worst }` }, /^catalog\.yaml:28: boards\[0\]\.rule: /],
  ['a season that is no cron pattern', { 26: `        xp: 5\nboards:\n  - { name: arena, title: A, rule: best, season: weekly }` }, /^catalog\.yaml:28: boards\[0\]\.season: "weekly" is no cron pattern/],
  ['a season that never ends', { 26: `        xp: 5\nboards:\n  - { name: arena, title: A, rule: best, season: '0 0 30 2 *' }` }, /^catalog\.yaml:28: boards\[0\]\.season: .* comes again/],
  ['a leaderboard in a region that there is not', { 26: `        xp: 5\nregions: [eu, us]\nboards:\n  - { name: arena, title: A, rule: best, regions: [eu, mars] }` }, /^catalog\.yaml:29: boards\[0\]\.regions\[1\]: "mars" is no region/],
  ['a region called global', { 26: `        xp: 5\nregions: [eu, global]` }, /^catalog\.yaml:27: regions\[1\]: "global" means all regions/],
  ['a region that stands twice', { 26: `        xp: 5\nregions: [eu, eu]` }, /^catalog\.yaml:27: regions\[1\]: "eu" stands twice|^catalog\.yaml:27: regions/],
  ['a zone that stands twice', { 26: `        xp: 5\n${LINES.slice(9, 16).join('\n')}\n    nodes: []` }, /^catalog\.yaml:27: zones\[1\]\.name: "meadow" stands twice/],
  ['a node that stands twice', { 19: '      - id: ore-1' }, /^catalog\.yaml:19: zones\[0\]\.nodes\[1\]\.id: "ore-1" stands twice/],
  ['a node of an asset that is not there', { 20: '        asset: coal' }, /^catalog\.yaml:20: zones\[0\]\.nodes\[1\]\.asset: "coal" is not a fungible asset/],
  ['a node of a unique kind', { 20: '        asset: sword' }, /^catalog\.yaml:20: zones\[0\]\.nodes\[1\]\.asset: "sword" is not a fungible asset/],
  ['a node outside its zone', { 22: '        y: 51' }, /^catalog\.yaml:19: zones\[0\]\.nodes\[1\]: lies outside the zone/],
  ['a spawn outside its zone', { 14: '    spawn: { x: 101, y: 10 }' }, /^catalog\.yaml:14: zones\[0\]\.spawn: lies outside the zone/],
  ['more at least than at most', { 23: '        min: 4' }, /^catalog\.yaml:19: zones\[0\]\.nodes\[1\]: min must not exceed max/],
  ['loot of nothing', { 23: '        min: 0' }, /^catalog\.yaml:23: zones\[0\]\.nodes\[1\]\.min: /],
  ['half an ore', { 24: '        max: 1.5' }, /^catalog\.yaml:24: zones\[0\]\.nodes\[1\]\.max: /],
  ['a negative cooldown', { 25: '        cooldownMs: -1' }, /^catalog\.yaml:25: zones\[0\]\.nodes\[1\]\.cooldownMs: /],
  ['a speed of zero', { 15: '    speed: 0' }, /^catalog\.yaml:15: zones\[0\]\.speed: /],
  ['a speed that is not a number', { 15: '    speed: .nan' }, /^catalog\.yaml:15: zones\[0\]\.speed: /],
  ['a key that stands twice', { 15: '    speed: 20\n    speed: 30' }, /^catalog\.yaml:16: /],
  ['a bracket that nobody closes', { 2: '  - { name: gold' }, /^catalog\.yaml:[23]: /],
  ['a tab for an indent', { 12: '\twidth: 100' }, /^catalog\.yaml:1[0-2]: /],
  ['an alias of nothing', { 13: '    height: *width' }, /^catalog\.yaml:13: /],
];

describe('the catalogue file', () => {
  for (const [what, edits, message] of MISTAKES) {
    it(`[CT1] with ${what} is refused with the file, the line and the field`, () => assert.match(complaint(edited(edits)), message));
  }

  it('[CT1] that is empty, a list, a word or something else altogether is refused', () => {
    for (const text of ['', '# nothing', '[]', 'gold', 'assets: []\nzones: []', 'assets:\nzones:', 'assets: 5', '\u0000', '--- 1\n--- 2']) assert.match(complaint(text), /^catalog\.yaml:\d+: \S/, JSON.stringify(text));
  });

  it('[CT1] is told from a right one, which is read whole and has its defaults', () => {
    const { assets, zones } = parseCatalog(edited({}), 'catalog.yaml');
    assert.deepEqual(assets.map(({ name, type, bound }) => [name, type, bound]), [['gold', 'fungible', false], ['ore', 'fungible', false], ['sword', 'unique', false]]);
    assert.deepEqual(zones[0]?.nodes.map(({ id }) => id), ['ore-1', 'ore-2']);
  });

  it('[CT1] that ships is right', () => {
    const { assets, zones } = parseCatalog(readFileSync('catalog.yaml', 'utf8'), 'catalog.yaml');
    assert.ok(assets.length > 0 && zones.length > 0);
  });
});
