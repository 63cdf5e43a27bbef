import path from 'node:path';
import { Client } from 'pg';
import type * as ours from '../../web/client/index.ts';
import { assertSoon } from './patience.ts';
import { until } from './player.ts';

export type Helper = typeof ours;

/** A player behind the client helper, with everything that its links went through since. */
export interface Helped {
  id: string;
  client: ours.StrongroomClient;
  /** `player:live`, `zone:dropped`, … in their order, once each. */
  passed: string[];
  close(): void;
}

/** The client helper of other sources than ours, see mutant.ts. */
export async function helperOf(root: string): Promise<Helper> {
  return (await import(path.join(root, 'web/client/index.ts'))) as Helper;
}

/** Signs in and is in the player room and the meadow when this resolves. With a token it is that player, once more. */
export async function help({ StrongroomClient }: Helper, servers: string | string[] | ours.Servers, as?: { id: string; token: string }): Promise<Helped> {
  const client = new StrongroomClient(typeof servers === 'string' || Array.isArray(servers) ? { endpoints: servers, token: as?.token } : { servers });
  const id = as?.id ?? (await client.servers.signInAnonymously<{ playerId: string }>({ name: 'Helped' })).playerId;
  const passed: string[] = [];
  const zone = client.zone();
  client.start();
  await isBack({ id, client });
  for (const [name, link] of [['player', client.player], ['zone', zone]] as const) {
    link.status.watch(({ kind }, before) => {
      if (kind !== before.kind) passed.push(`${name}:${kind}`);
    });
  }
  return { id, client, passed, close: () => client.close() };
}

/** Both rooms are there, with their states. */
export async function isBack({ id, client }: Pick<Helped, 'id' | 'client'>, withinMs = 10_000): Promise<void> {
  const zone = client.zone();
  const there = () => [client.player, zone].every(({ status }) => status.get().kind === 'live') && client.player.state?.playerId === id && zone.state?.players?.has(id) === true;
  await until(there, withinMs, 'the player is in its rooms');
}

/** What the player's room shows becomes this. */
export async function assertSees({ client }: Helped, fungibles: Record<string, number>): Promise<void> {
  const seen = () => Object.fromEntries([...(client.player.state?.fungibles.entries() ?? [])].filter(([, count]) => count > 0));
  await until(() => JSON.stringify(seen()) === JSON.stringify(fungibles), 3_000, `the room shows ${JSON.stringify(fungibles)}`);
}

/** What a request came to, and that it came to something in time. */
export async function endOf(request: Promise<unknown>, withinMs: number): Promise<string> {
  const start = performance.now();
  const end = await request.then(
    () => 'answered',
    (error: Error & { code?: string; sent?: boolean }) => (error.name === 'AnswerLost' ? (error.sent ? 'unknown' : 'not sent') : (error.code ?? error.message)),
  );
  assertSoon(performance.now() - start, withinMs);
  return end;
}

/** No command is written before the result is called: what is asked waits for its commit. */
export async function holdCommands(shards: string): Promise<() => Promise<void>> {
  const clients = await Promise.all(
    shards.split(',').map(async (connectionString) => {
      const client = new Client({ connectionString });
      await client.connect();
      await client.query('begin; lock table command in exclusive mode');
      return client;
    }),
  );
  return async () => {
    await Promise.all(clients.map((client) => client.end()));
  };
}
