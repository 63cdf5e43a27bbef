import Table from 'cli-table3';
import { closeShards, faultPoints, migrateShards, openShards, openStorage } from '../../persistence/index.ts';
import { loadConfig } from '../config/index.ts';
import { joinDatabases } from '../databases.ts';

/** Exit status: 0 when every invariant holds, 1 when one does not, 2 when it could not be read. */
try {
  const { urls, embedded } = await joinDatabases(loadConfig());
  const shards = await openShards(urls, 2);
  await migrateShards(shards);
  const storage = await openStorage(shards, { reach: faultPoints(undefined), onUnfinished: () => undefined });
  // A server that died a moment ago may have left something to end.
  await storage.resolveInDoubt();
  const report = await storage.audit();
  await closeShards(shards);
  await embedded?.stop();

  const table = new Table({ head: ['invariant', 'checked', 'holds'], style: { head: [], border: [] } });
  for (const { name, checked, ok } of report.invariants) table.push([name, checked, ok ? 'yes' : 'NO']);
  process.stdout.write(`${table.toString()}\n`);
  for (const { name, violations } of report.invariants) for (const violation of violations) process.stdout.write(`${name}: ${violation}\n`);
  process.stdout.write(report.ok ? `audit: green, ${shards.length} shards, ${report.tookMs} ms\n` : 'audit: RED\n');
  process.exit(report.ok ? 0 : 1);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(2);
}
