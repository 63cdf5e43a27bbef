import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { FlatEnvironment } from '../../server/config/flat-environment.ts';

const SHIPPED = '{schema,persistence,server,rooms,web}/**/*.ts';
const ENVIRONMENT = /\bprocess\s*\.\s*env\b|\bprocess\s*\[|from 'node:process'/;
/** A string that begins with a statement of SQL. Prose such as "select a tab" has no `from` after it. */
const SQL =
  /[`'"]\s*(?:select\s[^`'"]*\bfrom\s|insert\s+into\s|update\s+\w+\s+(?:\w+\s+)?set\s|delete\s+from\s|(?:create|alter|drop)\s+(?:table|index|database|schema)\s|truncate\s+\w|with\s+\w+\s+as\s*\(|prepare\s+transaction|(?:commit|rollback)\s+prepared)/i;

/** The lines of shipped code outside `folder` that match, as `file:line`. Comments may say anything. */
function offences(pattern: RegExp, folder: string): string[] {
  const files = globSync(SHIPPED, { exclude: ['**/node_modules/**', 'web/dist/**'] }).filter((file) => !file.startsWith(folder));
  return files.flatMap((file) => offencesIn(readFileSync(file, 'utf8'), pattern).map((line) => `${file}:${line}`));
}

function offencesIn(source: string, pattern: RegExp): number[] {
  const blank = (comment: string) => comment.replaceAll(/[^\n]/g, ' ');
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, blank);
  return [...code.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map((match) => code.slice(0, match.index).split('\n').length);
}

describe('tidy: the rules of the house', () => {
  it('[CF12] only server/config reads the environment', () => {
    assert.deepEqual(offences(ENVIRONMENT, 'server/config/'), []);
  });

  it('[CF12] only persistence speaks SQL', () => {
    assert.deepEqual(offences(SQL, 'persistence/'), []);
  });

  it('[CF12] is a rule that can be broken: the patterns find what they are for, and leave prose alone', () => {
    assert.deepEqual(offencesIn('\nconst port = process.env.PORT;', ENVIRONMENT), [2]);
    assert.deepEqual(offencesIn('// process.env is read elsewhere', ENVIRONMENT), []);
    for (const sql of ['select id from item', 'insert into item values (1)', 'update item i set holder = 1', 'commit prepared', '\n  with t as (select 1) select']) {
      assert.equal(offencesIn(`query(\`${sql} \`)`, SQL).length, 1, sql);
    }
    for (const prose of ['Select an item', 'update available', 'with care', 'commit', 'delete']) assert.deepEqual(offencesIn(`say('${prose}')`, SQL), [], prose);
  });

  it('[CF11] every setting is in .env.example with its default, and nothing else is', () => {
    const example = [...readFileSync('.env.example', 'utf8').matchAll(/^# ([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    const defaults = FlatEnvironment.parse({}) as Record<string, unknown>;
    const settings = Object.keys(FlatEnvironment.shape).map((name) => [name, String(defaults[name] ?? '')]);
    assert.deepEqual(Object.fromEntries(example), Object.fromEntries(settings));
    assert.equal(example.length, settings.length, 'a setting is there twice');
  });
});
