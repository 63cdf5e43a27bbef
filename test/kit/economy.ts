import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { MapSchema } from '@colyseus/schema';
import { service, until, type TestPlayer } from './player.ts';
import type { TestServer } from './server.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SHOWN_MAX_MS = 1_000;

/** What somebody has, in a form that compares: counts that are not zero, and item ids in order. */
export interface Belongings {
  fungibles: Record<string, number>;
  items: string[];
}

export async function belongings(server: TestServer, player: { id: string }): Promise<Belongings> {
  const { fungibles, items } = await service(server).player(player.id);
  return tidy({ fungibles, items: items.map(({ id }) => id) });
}

/** PostgreSQL says that the player has exactly this. */
export async function assertHolds(server: TestServer, player: { id: string }, expected: Partial<Belongings>, who = 'the player'): Promise<void> {
  const held = await belongings(server, player);
  const wanted = tidy({ fungibles: {}, items: [], ...expected });
  assert.deepEqual(held, wanted, `${who} holds ${JSON.stringify(held)} instead of ${JSON.stringify(wanted)}`);
}

/** What the player's room shows becomes what PostgreSQL says, soon. [V of the invariants] */
export async function assertShown(server: TestServer, player: TestPlayer, withinMs = SHOWN_MAX_MS): Promise<void> {
  const truth = JSON.stringify(await belongings(server, player));
  await until(() => JSON.stringify(shown(player)) === truth, withinMs, `the room shows ${JSON.stringify(shown(player))}, PostgreSQL ${truth}`);
}

/** What the player's own room shows now. */
export function shown({ room }: Pick<TestPlayer, 'room'>): Belongings {
  const state = room.state as { fungibles: MapSchema<number>; items: MapSchema<unknown> };
  return tidy({ fungibles: Object.fromEntries(state.fungibles.entries()), items: [...state.items.keys()] });
}

function tidy({ fungibles, items }: Belongings): Belongings {
  const counts = Object.entries(fungibles).filter(([, count]) => count !== 0);
  return { fungibles: Object.fromEntries(counts.toSorted(([a], [b]) => (a < b ? -1 : 1))), items: items.toSorted() };
}

export async function assertAuditGreen(server: TestServer): Promise<void> {
  const { ok, invariants } = await service(server).audit();
  const broken = invariants.filter((invariant) => !invariant.ok).map(({ name, violations }) => `${name} (${violations.slice(0, 2).join('; ')})`);
  assert.ok(ok, `the audit is red: ${broken.join(', ')}`);
}

/** `npm run audit` on a data folder, beside its server or without one. */
export async function runAudit(dataDir: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, ['server/commands/audit.ts'], { cwd: ROOT, env: { ...process.env, DATA_DIR: dataDir }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output };
}
