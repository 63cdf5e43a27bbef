import path from 'node:path';
import { Argument, InvalidArgumentError, Option, program } from 'commander';
import { delta } from './bench/delta.ts';
import { guilds } from './bench/guilds.ts';
import { inventory } from './bench/inventory.ts';
import { join } from './bench/join.ts';
import type { Bench } from './bench/kit/bench.ts';
import { jsonOf, recordOf, tableOf } from './bench/kit/report.ts';
import { leaderboards } from './bench/leaderboards.ts';
import { online } from './bench/online.ts';
import { sessions } from './bench/sessions.ts';
import { shards } from './bench/shards.ts';
import { sockets } from './bench/sockets.ts';
import { trades } from './bench/trades.ts';
import type { BenchRecord } from './reporting/record.ts';
import { REPORT_FOLDER, writeRecord, writeReport } from './reporting/report.ts';

/** Every benchmark there is. */
const BENCHES: readonly Bench[] = [delta, inventory, sessions, join, trades, shards, sockets, online, guilds, leaderboards];

interface Settings {
  json?: true;
  rounds: number;
  players?: number;
  shards?: number;
  roundMs: number;
  report?: string;
}

const ROUNDS = 5;
const PLAYERS_MAX = 100_000;
const SHARDS_MAX = 10;
const ROUND_MS = 1_000;

program
  .name('npm run bench --')
  .description('Measures Strongroom against what it stands on, in the same run on the same machine.')
  .addArgument(new Argument('[name]', 'which; all of them without a name').choices(BENCHES.map(({ name }) => name)))
  .option('--json', 'end each benchmark with one line of JSON')
  .option('--rounds <n>', 'how often ours and the ceiling are measured in turn', wholeNumber, ROUNDS)
  .option('--players <n>', `how many players there are at most, where that says something: ${PLAYERS_MAX}, or for leaderboards ${leaderboards.defaults?.playersMax}, for online ${online.defaults?.playersMax}; ten times as many take minutes more`, wholeNumber)
  .option('--shards <n>', `shards, leaderboards: how many there are at most: ${SHARDS_MAX}, or for leaderboards ${leaderboards.defaults?.shardsMax}`, wholeNumber)
  .option('--round-ms <n>', 'shards, guilds, leaderboards, online: how long a round is', wholeNumber, ROUND_MS)
  .addOption(new Option('--report [folder]', 'keep what was measured and make a page of it, as is done of all of them without a name').preset(path.relative('', REPORT_FOLDER)))
  .action(async (name: string | undefined, { json, rounds, players, shards, roundMs, report }: Settings) => {
    const folder = report ?? (name === undefined ? REPORT_FOLDER : undefined);
    let page: string | undefined;
    for (const bench of BENCHES.filter((bench) => name === undefined || bench.name === name)) {
      const { playersMax = PLAYERS_MAX, shardsMax = SHARDS_MAX } = bench.defaults ?? {};
      const startedAt = new Date();
      const results = await bench.run({ rounds, playersMax: players ?? playersMax, shardsMax: shards ?? shardsMax, roundMs });
      const record = recordOf(bench, results, { rounds, startedAt });
      console.log(tableOf(record));
      if (json) console.log(jsonOf(record));
      if (folder !== undefined) page = await keep(folder, record);
    }
    if (page !== undefined) console.error(`The report is ${page}`);
  });

// An interrupted run removes its databases as well.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

await program.parseAsync();

/** Whoever stops a run of all has the page of those that ended. */
async function keep(folder: string, record: BenchRecord): Promise<string> {
  await writeRecord(folder, record);
  const { page, leftOut } = await writeReport(folder);
  for (const { file, why } of leftOut) console.error(`${file} is not in the report: ${why}`);
  return page;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}
