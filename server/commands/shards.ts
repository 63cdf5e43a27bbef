import { CommanderError, program } from 'commander';
import { faultPoints, openResharding, type Plan, type Resharding } from '../../persistence/index.ts';
import { loadConfig } from '../config/index.ts';
import { joinDatabases } from '../databases.ts';
import { slots, wholeNumber, wrongDatabaseUrl } from './shards/arguments.ts';
import { openProgress, type Progress } from './progress.ts';
import { dropHint, planTable, reportText, statusTable } from './shards/tables.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Exit status: 0 done, 1 when `verify` found something, 2 when it was refused or could not be done. */
program
  .name('npm run shards --')
  .description('Adds shards, and moves slots between them while the game goes on. What was interrupted is ended by running it again.')
  .exitOverride()
  .showSuggestionAfterError(false);

program
  .command('status')
  .description('what is on each shard')
  .action(() => beside(async (shards) => {
    const status = await shards.status();
    say(statusTable(status));
    if (shards.leftOut !== undefined) say(shards.leftOut);
    hint(dropHint(status));
    return 0;
  }));

program
  .command('add')
  .description('makes a database the next shard; it holds nothing until slots are moved to it')
  .argument('<url>', 'postgres://user:password@host:5432/database')
  .action(async (url: string) => {
    const wrong = wrongDatabaseUrl(url);
    if (wrong !== undefined) throw new Error(wrong);
    await beside(async (shards, isEmbedded) => {
      const { shard, database } = await shards.add(url);
      say(`shard ${shard} is ${database}, and holds nothing yet: npm run shards -- rebalance`);
      say(isEmbedded
        ? 'The embedded PostgreSQL starts with four shards only: once slots are there, run PostgreSQL yourself and name every shard in SHARD_URLS.'
        : 'Running processes find it by themselves. Name it at the end of SHARD_URLS before one is started again.');
      return 0;
    });
  });

program
  .command('move')
  .description('moves slots to a shard')
  .argument('<slot...>', 'slots and ranges of them: 12 40-63', slots)
  .requiredOption('--to <shard>', 'which shard', wholeNumber)
  .option('--dry-run', 'only show what would move')
  .action((wanted: number[], { to, dryRun }: { to: number; dryRun?: true }) => beside((shards) => move(shards, () => shards.planMove(wanted, to), dryRun)));

program
  .command('rebalance')
  .description('spreads the slots evenly, by as few moves as possible')
  .option('--over <n>', 'over the first n shards, and drains the others; all of them without it', wholeNumber)
  .option('--dry-run', 'only show what would move')
  .action(({ over, dryRun }: { over?: number; dryRun?: true }) => beside((shards) => move(shards, () => shards.planRebalance(over ?? shards.shardCount), dryRun)));

program
  .command('verify')
  .description('whether everything is on the shard of its slot, and every shard knows where that is')
  .action(() => beside(async (shards) => {
    const problems = await shards.verify();
    for (const problem of problems) say(problem);
    say(problems.length === 0 ? `verify: all is where it belongs, ${shards.shardCount} shards` : `verify: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
    return problems.length === 0 ? 0 : 1;
  }));

async function move(shards: Resharding, planned: () => Promise<Plan>, dryRun?: true): Promise<0> {
  // Refused before anything is done.
  await planned();
  if (!dryRun) {
    const finished = await withProgress((progress) => shards.finish(progress.show));
    if (finished > 0) say(`first ended an interrupted move of ${finished} slots`);
  }
  const plan = await planned();
  if (plan.moves.length === 0) say('nothing has to move');
  else say(planTable(plan));
  if (dryRun) return 0;
  if (plan.moves.length > 0) say(reportText(await withProgress((progress) => shards.move(plan, progress.show))));
  hint(dropHint(await shards.status()));
  return 0;
}

function hint(text: string | undefined): void {
  if (text !== undefined) say(text);
}

async function withProgress<Result>(work: (progress: Progress) => Promise<Result>): Promise<Result> {
  const progress = openProgress(process.stdout);
  return await work(progress).finally(progress.stop);
}

/** Runs beside whatever serves players; an embedded PostgreSQL that nobody runs is started for as long as it takes. */
async function beside(work: (shards: Resharding, isEmbedded: boolean) => Promise<number>): Promise<void> {
  const config = loadConfig();
  const { urls, embedded } = await joinDatabases(config);
  try {
    const shards = await openResharding(urls, faultPoints(config.faultPoint));
    process.exitCode = await work(shards, config.shardUrls === undefined).finally(() => shards.close());
  } finally {
    await embedded?.stop();
  }
}

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  // Whoever asked for help was given it, and a wrong argument was named.
  if (!(error instanceof CommanderError)) process.stderr.write(`${((error as Error).message || String(error)).split('\n')[0]}\n`);
  process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : 2);
}
