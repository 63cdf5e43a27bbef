import { InvalidArgumentError, program } from 'commander';
import { runRings } from './ring.ts';
import { runFaults, type FaultRun, type FaultRunOptions } from './simulator.ts';

const SEED_MAX = 2 ** 31 - 1;
/** A hundred players and more on ten shards, so that every lock is wanted by many. */
const RINGS = { rings: 40, shards: 10, inFlight: 60 };

program
  .name('npm run faults --')
  .description('Trades at random while processes are killed, connections cut and PostgreSQL is stopped; then checks that everybody was told the truth.')
  .option('--trades <n>', 'how many to ask for', wholeNumber, 200_000)
  .option('--workers <n>', 'processes that trade', wholeNumber, 3)
  .option('--shards <n>', 'databases', wholeNumber, 4)
  .option('--servers <n>', 'PostgreSQL servers, among which the databases are dealt out', wholeNumber, 1)
  .option('--reshape <n...>', 'to how many databases it comes meanwhile, one after the other: 2 10 11 3', counted)
  .option('--in-flight <n>', 'trades under way at a time, per worker', wholeNumber, 150)
  .option('--players <n>', 'who trade, the same for all workers', wholeNumber, 5_000)
  .option('--seed <n>', 'which faults come when, and who trades what', wholeNumber, Math.floor(Math.random() * SEED_MAX))
  .option('--ring <seconds>', 'instead, and with nothing broken: rings of trades over ten databases at full speed for so long', wholeNumber)
  .action(async ({ ring, ...options }: FaultRunOptions & { ring?: number }) => {
    console.log(`seed ${options.seed}`);
    if (ring !== undefined) return await ringsFor(ring, options);
    const seconds = () => (performance.now() / 1000).toFixed(0).padStart(5);
    const run = await runFaults({ ...options, onProgress: (line) => console.log(`${seconds()} s  ${line}`) });
    console.log(`${seconds()} s  compared`);
    console.log(textOf(run));
    process.exitCode = run.violations.length === 0 ? 0 : 1;
  });

// An interrupted run removes its databases as well.
process.once('SIGINT', () => process.exit(130));

await program.parseAsync();

async function ringsFor(seconds: number, { workers, seed }: FaultRunOptions): Promise<void> {
  const { violations, tookMs, ...counts } = await runRings({ ...RINGS, seconds, workers, seed });
  console.log(tableOf([...Object.entries(counts), ['duration', `${(tookMs / 1000).toFixed(1)} s`], ['trades/s', Math.round((counts.trades * 1000) / tookMs)]], violations));
  process.exitCode = violations.length === 0 ? 0 : 1;
}

function textOf(run: FaultRun): string {
  const { seed, tookMs, refused, unanswered, violations, reshapings, ...counts } = run;
  const lines: [string, string | number][] = [
    ['seed', String(seed)],
    ...Object.entries(counts),
    ...Object.entries(refused).map(([code, count]): [string, number] => [`refused ${code}`, count]),
    ...Object.entries(unanswered).map(([error, count]): [string, number] => [`unanswered: ${error}`, count]),
    ...reshapings.map(({ over, moved, runs, killed, stalls, tookMs: took }): [string, string] => [`to ${over} shards`, `${moved} slots in ${(took / 1000).toFixed(1)} s, ${runs} runs of which ${killed} killed; waited ${stalls.map(({ median, p99, longest }) => `${median} / ${p99} / ${longest} ms`).join(', ')} (median / p99 / longest)`]),
    ['duration', `${(tookMs / 1000).toFixed(1)} s`],
    ['trades/s', Math.round((run.trades * 1000) / tookMs)],
  ];
  return tableOf(lines, violations);
}

function tableOf(lines: readonly [string, string | number][], violations: readonly string[]): string {
  return [...lines.map(([what, value]) => `${what.padEnd(28)} ${value.toLocaleString('en')}`), ...violations.map((violation) => `VIOLATION ${violation}`), violations.length === 0 ? 'all of it holds' : 'it does NOT hold'].join('\n');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}

function counted(text: string, before: number[] = []): number[] {
  return [...before, wholeNumber(text)];
}
