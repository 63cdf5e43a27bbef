import path from 'node:path';
import { InvalidArgumentError, program } from 'commander';
import { runStorm, type StormOptions } from './storm.ts';

/** What is promised, on a machine that does nothing else. */
const RECOVERED_MAX_MS = 10_000;
const SEED_MAX = 2 ** 31 - 1;

program
  .name('npm run test:storm --')
  .description('Clients trade through several processes while those are killed, Redis is emptied and PostgreSQL is restarted; then checks that nothing was lost.')
  .option('--processes <n>', 'server processes', wholeNumber, 4)
  .option('--bots <n>', 'clients that gather and trade', wholeNumber, 200)
  .option('--seconds <n>', 'how long; a process is killed every five', wholeNumber, 120)
  .option('--flushes <n>', 'how often Redis is emptied', wholeNumber, 2)
  .option('--seed <n>', 'which process dies when, and who trades what', wholeNumber, Math.floor(Math.random() * SEED_MAX))
  .action(async ({ seconds, ...options }: StormOptions & { seconds: number }) => {
    console.log(`seed ${options.seed}`);
    // As PM2 starts them.
    process.env['NODE_COMPILE_CACHE'] ??= path.resolve(import.meta.dirname, '../../node_modules/.cache/strongroom/compiled');
    const { recoveries, violations, ...counts } = await runStorm({ ...options, botProcesses: 2, recoveredMaxMs: RECOVERED_MAX_MS, durationMs: seconds * 1_000, onProgress: (line) => console.log(line) });
    for (const [what, count] of Object.entries(counts)) console.log(`${what.padEnd(12)} ${count.toLocaleString('en')}`);
    for (const { fault, tookMs } of recoveries) console.log(`${fault.padEnd(24)} everybody was answered again after ${(tookMs / 1_000).toFixed(1)} s`);
    const took = recoveries.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    console.log(`recovery     p50 ${((took[Math.floor(took.length / 2)] ?? 0) / 1_000).toFixed(1)} s, max ${((took.at(-1) ?? 0) / 1_000).toFixed(1)} s`);
    for (const violation of violations) console.log(`VIOLATION ${violation}`);
    console.log(violations.length === 0 ? 'all of it holds' : 'it does NOT hold');
    process.exitCode = violations.length === 0 ? 0 : 1;
  });

// An interrupted run ends its processes as well.
process.once('SIGINT', () => process.exit(130));

await program.parseAsync();

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}
