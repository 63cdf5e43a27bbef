import pg from 'pg';

const ALREADY_THERE = new Set(['42P04', '23505']); // somebody made it between our look and our command

/** Makes those of the databases that the server does not have. */
export async function createMissingDatabases(url: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select datname as name from pg_database where datname = any($1)', [names]);
    const present = new Set(rows.map((row) => row.name));
    for (const name of names) if (!present.has(name)) await createDatabase(client, name);
  } finally {
    await client.end();
  }
}

async function createDatabase(client: pg.Client, name: string): Promise<void> {
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } catch (error) {
    if (!ALREADY_THERE.has((error as { code?: string }).code ?? '')) throw error;
  }
}
