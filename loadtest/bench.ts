import { Argument, InvalidArgumentError, program } from 'commander';
import { delta } from './bench/delta.ts';
import { inventory } from './bench/inventory.ts';
import { join } from './bench/join.ts';
import type { Bench } from './bench/kit/bench.ts';
import { jsonOf, tableOf } from './bench/kit/report.ts';
import { sessions } from './bench/sessions.ts';
import { shards } from './bench/shards.ts';
import { sockets } from './bench/sockets.ts';
import { trades } from './bench/trades.ts';

/** Every benchmark there is. */
const BENCHES: readonly Bench[] = [delta, inventory, sessions, join, trades, shards, sockets];

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
  .option('--players <n>', 'shards: how many players there are at most; 1000000 takes minutes more', wholeNumber, PLAYERS_MAX)
  .option('--shards <n>', 'shards: how many there are at most', wholeNumber, SHARDS_MAX)
  .option('--round-ms <n>', 'shards: how long a round is', wholeNumber, ROUND_MS)
  .action(async (name: string | undefined, { json, rounds, players, shards, roundMs }: { json?: true; rounds: number; players: number; shards: number; roundMs: number }) => {
    for (const bench of BENCHES.filter((bench) => name === undefined || bench.name === name)) {
      const results = await bench.run({ rounds, playersMax: players, shardsMax: shards, roundMs });
      console.log(tableOf(bench, results));
      if (json) console.log(jsonOf(bench, results));
    }
  });

// An interrupted run removes its databases as well.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

await program.parseAsync();

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}
