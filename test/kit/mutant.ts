import assert from 'node:assert/strict';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MUTATIONS, type Mutation, type MutationName } from './mutations.ts';
import { hurried } from './patience.ts';
import { startServer, type StartOptions, type TestServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SOURCES = ['schema', 'persistence', 'server', 'rooms', 'web/client', 'catalog.yaml', 'package.json', 'tsconfig.json', 'test/sim', 'loadtest/bench/kit'];

/** A copy of the product without some guards: a negative control needs no hook in the product itself. */
export interface Mutant {
  root: string;
  remove(): void;
}

/** @throws when a guard is not where the table says, so that no control passes for a guard that it did not take out */
export function makeMutant(...names: MutationName[]): Mutant {
  const { folder, remove } = temporaryFolder();
  for (const source of SOURCES) cpSync(path.join(ROOT, source), path.join(folder, source), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
  try {
    for (const name of names) takeOut(name, folder);
  } catch (error) {
    remove();
    throw error;
  }
  return { root: folder, remove };
}

function takeOut(name: MutationName, root: string): void {
  const { edits }: Mutation = MUTATIONS[name];
  for (const { file, find, replace } of edits) {
    const target = path.join(root, file);
    const source = readFileSync(target, 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new Error(`the guard moved: "${name}" looks for ${JSON.stringify(find)} in ${file} and finds it ${times} times`);
    writeFileSync(target, source.replace(find, () => replace));
  }
}

/** A scenario fails, and in the way that the missing guard lets it fail: not for a server that did not start, say. */
export async function assertGoesRed(scenario: Promise<unknown>, symptom: RegExp): Promise<void> {
  const failure = await scenario.then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  assert.ok(failure, 'the scenario passed although its guard is gone');
  assert.match(failure.message, symptom);
}

/** Gives the sources without the guards, for as long as the work takes. */
export async function withMutant(names: MutationName | readonly MutationName[], work: (root: string) => Promise<void>): Promise<void> {
  const { root, remove } = makeMutant(...[names].flat());
  try {
    await hurried(() => work(root));
  } finally {
    remove();
  }
}

/** A scenario, and how it shows that its guard is gone. */
export interface ControlCase {
  dupe: string;
  scenario: (server: TestServer) => Promise<void>;
  symptom: RegExp;
}

/** Runs scenarios against one server without its guards, and expects each to go red: over its own players, or before another broke the audit. */
export async function control(names: MutationName | readonly MutationName[], options: StartOptions, cases: readonly ControlCase[]): Promise<void> {
  await withMutant(names, async (root) => {
    const server = await startServer({ ...options, root });
    try {
      for (const { scenario, symptom } of cases) await assertGoesRed(scenario(server), symptom);
    } finally {
      await server.stop();
    }
  });
}
