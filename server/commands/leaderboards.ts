import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { CommanderError, program } from 'commander';
import { closeShards, faultPoints, openRedisLane, openShards, openStorage, redisBoardSets, type Storage } from '../../persistence/index.ts';
import { openBoardRegions } from '../board-regions.ts';
import { loadCatalog, type BoardOf } from '../catalog/index.ts';
import { loadConfig } from '../config/index.ts';
import { joinDatabases } from '../databases.ts';
import { BoardKeeper, regionOf, Regions, type RegionSets } from '../leaderboards/index.ts';
import { createLogger } from '../telemetry/index.ts';
import { openProgress } from './progress.ts';

/** How long a Redis is waited for. */
const UP_MAX_MS = 2_000;
const LOOK_MS = 20;
/** Scores that came between the two counts are no difference. */
const LOOKS_MAX = 4;
const LOOK_AGAIN_MS = 500;

const say = (text: string) => process.stdout.write(`${text}\n`);

interface Tools {
  boards: readonly BoardOf[];
  storage: Storage;
  regions: Regions;
  keeper: BoardKeeper;
  seasons: ReadonlyMap<string, number>;
}

/** Exit status: 0 done, 1 when a set is not what PostgreSQL says or was not filled, 2 when it was refused or could not be done. */
program
  .name('npm run leaderboards --')
  .description('Compares the sorted sets of the leaderboards with PostgreSQL, and fills them from it, while the game goes on.')
  .exitOverride()
  .showSuggestionAfterError(false);

program
  .command('status')
  .description('how many scores PostgreSQL has, and how many each set')
  .argument('[board...]', 'all of the catalogue without one')
  .action((names: string[]) => beside(names, status));

program
  .command('rebuild')
  .description('forgets what the sets hold and fills them from PostgreSQL; until it is done, their regions are missing in answers')
  .argument('[board...]', 'all of the catalogue without one')
  .option('--region <name>', 'of this region only')
  .action((names: string[], { region }: { region?: string }) => beside(names, (tools) => rebuild(tools, region)));

async function status({ boards, storage, regions, seasons }: Tools): Promise<number> {
  const head = ['board', 'season', 'region', 'PostgreSQL', 'set', 'the same'];
  const table = new Table({ head, colAligns: ['left', 'right', 'left', 'right', 'right', 'left'], style: { head: [], border: [] } });
  let differs = 0;
  for (const board of boards) {
    const season = seasons.get(board.name) ?? 1;
    for (const [region, { stored, held }] of await counts(board, season, storage, regions)) {
      const same = isSame(board, stored, held);
      if (!same) differs++;
      table.push([board.name, season, region, stored.toLocaleString('en'), held?.toLocaleString('en') ?? '–', same ? 'yes' : 'NO']);
    }
  }
  say(table.toString());
  say(differs === 0 ? 'leaderboards: every set has what PostgreSQL has' : `leaderboards: ${differs} ${differs === 1 ? 'set differs' : 'sets differ'}: npm run leaderboards -- rebuild`);
  return differs === 0 ? 0 : 1;
}

interface Counts {
  stored: number;
  held: number | undefined;
}

async function counts(board: BoardOf, season: number, storage: Storage, regions: Regions): Promise<Map<string, Counts>> {
  for (let look = 1; ; look++) {
    const stored = new Map<string, number>();
    for (const [home, count] of await storage.scoreScan.count(board.name, season)) stored.set(regionOf(board, home), (stored.get(regionOf(board, home)) ?? 0) + count);
    const { answers } = await regions.ask(board, season, board.regions, (sets, name) => sets.size(name));
    const found = new Map(board.regions.map((region) => [region, { stored: stored.get(region) ?? 0, held: answers.get(region) }]));
    if (look >= LOOKS_MAX || [...found.values()].every(({ stored: count, held }) => isSame(board, count, held))) return found;
    await delay(LOOK_AGAIN_MS);
  }
}

/** Beyond what a board keeps, a set may have fewer. */
const isSame = ({ keep }: BoardOf, stored: number, held: number | undefined): boolean => held === stored || (held !== undefined && held >= keep && held < stored);

async function rebuild({ boards, storage, keeper, seasons }: Tools, region: string | undefined): Promise<number> {
  const unknown = region !== undefined && boards.some(({ regions }) => !regions.includes(region));
  if (unknown) throw new Error(`a leaderboard has no region "${region}": name one of ${boards[0]?.regions.join(', ')}`);
  let unfilled = 0;
  for (const board of boards) {
    const season = seasons.get(board.name) ?? 1;
    const wanted = region === undefined ? board.regions : [region];
    const total = [...(await storage.scoreScan.count(board.name, season)).values()].reduce((sum, count) => sum + count, 0);
    const progress = openProgress(process.stdout);
    const filled = await keeper.fill(board, season, wanted, { fresh: true, onProgress: ({ scores }) => progress.show({ phase: board.name, done: Math.min(scores, total), total }) }).finally(progress.stop);
    const missed = wanted.filter((name) => !filled?.regions.includes(name));
    unfilled += missed.length;
    if (filled !== undefined) say(`${board.name}: ${filled.scores.toLocaleString('en')} scores in ${filled.regions.length} ${filled.regions.length === 1 ? 'region' : 'regions'}, ${(filled.tookMs / 1_000).toFixed(1)} s`);
    if (missed.length > 0) say(`${board.name}: not filled: ${missed.join(', ')} (away, or somebody else fills it)`);
  }
  return unfilled === 0 ? 0 : 1;
}

/** Runs beside whatever serves players; an embedded PostgreSQL that nobody runs is started for as long as it takes. */
async function beside(names: readonly string[], work: (tools: Tools) => Promise<number>): Promise<void> {
  const config = loadConfig();
  const catalog = loadCatalog(config.catalogPath);
  const unknown = names.find((name) => !catalog.boards.some((board) => board.name === name));
  if (unknown !== undefined) throw new Error(`the catalogue has no leaderboard "${unknown}": name one of ${catalog.boards.map(({ name }) => name).join(', ')}`);
  const boards = names.length === 0 ? catalog.boards : catalog.boards.filter(({ name }) => names.includes(name));
  const away = boards.flatMap(({ regions }) => regions).find((region) => config.redisUrl === undefined && config.leaderboardUrls[region] === undefined);
  if (away !== undefined) throw new Error(`REDIS_URL is not set, so the sets of "${away}" are in the memory of the server: they are filled at its start`);

  const ends: (() => unknown)[] = [];
  try {
    const { urls, embedded } = await joinDatabases(config);
    ends.push(() => embedded?.stop());
    const shards = await openShards(urls, 2);
    ends.push(() => closeShards(shards));
    const storage = await openStorage(shards, { reach: faultPoints(undefined), onUnfinished: () => undefined });
    const own = await openBoardRegions(config.leaderboardUrls, createLogger('silent'));
    ends.push(() => own.close());
    const others = await openOthers(config.redisUrl, ends);
    await waitFor([...own.sets.values(), ...(others === undefined ? [] : [others])]);
    const regions = new Regions({ sets: own.sets, others: others ?? [...own.sets.values()][0]!, onIncomplete: () => undefined });
    const known = await storage.seasons.read();
    const seasons = new Map([...known.open.values()].map(({ board, number }) => [board, number]));
    const onFault = (error: unknown): undefined => void process.stderr.write(`${(error as Error).message}\n`);
    const keeper = new BoardKeeper({ regions, scan: storage.scoreScan, boards: () => boards, seasonOf: (board) => seasons.get(board), onFault });
    process.exitCode = await work({ boards, storage, regions, keeper, seasons });
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function openOthers(redisUrl: string | undefined, ends: (() => unknown)[]): Promise<RegionSets | undefined> {
  if (redisUrl === undefined) return undefined;
  const lane = await openRedisLane(redisUrl, { setting: 'REDIS_URL', onFault: () => undefined });
  ends.push(() => lane.close());
  return redisBoardSets(lane.commands);
}

async function waitFor(sets: readonly RegionSets[]): Promise<void> {
  for (let waitedMs = 0; waitedMs < UP_MAX_MS && !sets.every((one) => one.isUp()); waitedMs += LOOK_MS) await delay(LOOK_MS);
}

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  // Whoever asked for help was given it, and a wrong argument was named.
  if (!(error instanceof CommanderError)) process.stderr.write(`${((error as Error).message || String(error)).split('\n')[0]}\n`);
  process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : 2);
}
