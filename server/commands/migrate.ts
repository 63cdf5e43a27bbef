import { closeShards, migrateShards, openShards } from '../../persistence/index.ts';
import { loadConfig } from '../config/index.ts';
import { joinDatabases } from '../databases.ts';

try {
  const config = loadConfig();
  const { urls, embedded } = await joinDatabases(config);
  const shards = await openShards(urls, 2);
  await migrateShards(shards);
  await closeShards(shards);
  await embedded?.stop();
  process.stdout.write(`${shards.length} shards are up to date\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
