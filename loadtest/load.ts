import path from 'node:path';
import { InvalidArgumentError, program } from 'commander';
import { Presets, SingleBar } from 'cli-progress';
import { PROFILES, ProfileError, readProfile, type ProfileChanges } from './load/profile.ts';
import { runLoad } from './load/run.ts';
import { against, openStage, type Stage } from './load/stage.ts';
import { machine } from './reporting/machine.ts';
import { REPORT_FOLDER, writeRecord, writeReport } from './reporting/report.ts';

const SEED_MAX = 2 ** 31 - 1;

interface Options extends ProfileChanges {
  profile: string;
  profiles: string;
  against?: string;
  serviceKey?: string;
  seed: number;
  report: string;
}

let open: Stage | undefined;

program
  .name('npm run loadtest --')
  .description('Bots play against a server of their own under PM2, or one that is named; writes what came of it as a page. Exits with 1 when something was not as it must be.')
  .requiredOption('--profile <name>', 'what they do, for how long: mixed, kills, soak or short, or one of your own')
  .option('--profiles <file>', 'where profiles are', PROFILES)
  .option('--bots <n>', 'players', wholeNumber)
  .option('--duration-s <n>', 'from the first arrival to the last deed', wholeNumber)
  .option('--arrive-s <n>', 'over how long they arrive', wholeNumber)
  .option('--every-ms <n>', 'between two deeds of a bot, on average', wholeNumber)
  .option('--processes <n>', 'server processes', wholeNumber)
  .option('--bot-processes <n>', 'processes of bots', wholeNumber)
  .option('--against <url>', 'a server elsewhere on this machine, which is not started, measured or killed; it needs a high AUTH_RATE_MAX')
  .option('--service-key <key>', 'of that server: with it the bots are given something to trade, and the audit is run')
  .option('--seed <n>', 'who does what', wholeNumber, Math.floor(Math.random() * SEED_MAX))
  .option('--report <folder>', 'where the page goes', REPORT_FOLDER)
  .action(async ({ profile: name, profiles, against: url, serviceKey, seed, report, ...changes }: Options) => {
    const profile = readProfile(name, changes, profiles);
    if (url !== undefined && profile.killEveryS !== undefined) throw new ProfileError(`The profile "${name}" kills processes, and those at ${url} are not ours: choose another one.`);
    console.log(`${name}, seed ${seed}`);
    const stage = url === undefined ? await openStage(profile) : against(url, serviceKey);
    open = stage;
    const bar = new SingleBar({ format: '{phase} {bar} {value} / {total} s', hideCursor: true, clearOnComplete: true, noTTYOutput: false }, Presets.shades_classic);
    try {
      bar.start(profile.durationS, 0, { phase: 'load' });
      const record = await runLoad({ name, profile, seed, stage, machine: machine(), onProgress: (phase, done, total) => { bar.setTotal(total); bar.update(done, { phase }); } });
      bar.stop();
      await writeRecord(report, record);
      const { page } = await writeReport(report);
      for (const { label, value, unit } of record.headlines) console.log(`${label.padEnd(36)} ${value.toPrecision(3)} ${unit}`);
      for (const violation of record.violations) console.log(`VIOLATION ${violation}`);
      console.log(`${record.violations.length === 0 ? 'all is as it must be' : 'it is NOT as it must be'}; ${path.relative('', page)}`);
      process.exitCode = record.violations.length === 0 ? 0 : 1;
    } finally {
      bar.stop();
      open = undefined;
      await stage.stop();
    }
  });

// An interrupted run ends its processes as well: PM2's own would go on.
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
  process.once(signal, () => void Promise.resolve(open?.stop()).finally(() => process.exit(code)));
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ProfileError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}
