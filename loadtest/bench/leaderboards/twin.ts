import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryBoardSets, type ScoreChange } from '../../../persistence/index.ts';
import type { PlayerId } from '../../../schema/ids.ts';
import type { BenchResult } from '../kit/bench.ts';
import { BOARD, type Stadium } from './stadium.ts';

/** More than this is not for one process's memory. */
const ENTRIES_MAX = 1_000_000;

/** What an entry takes in a process that is alone, with its player's id, which nothing else here holds; and one in a bare map. */
export async function twin({ economy, boards, setName }: Stadium): Promise<BenchResult[]> {
  const entries = Math.min(ENTRIES_MAX, boards[0].players);
  const collect = collector();
  const bytesOf = async (add: (scores: readonly ScoreChange[]) => Promise<unknown>): Promise<number> => {
    collect();
    const before = process.memoryUsage().heapUsed;
    let left = entries;
    await economy.storage.scoreScan.all(BOARD, 1, async (scores) => {
      const some = scores.slice(0, left);
      left -= some.length;
      if (some.length > 0) await add(some);
    });
    collect();
    return (process.memoryUsage().heapUsed - before) / entries;
  };
  const sets = memoryBoardSets();
  const ours = await bytesOf(async (scores) => {
    for (const [region, here] of Map.groupBy(scores, ({ region }) => region)) await sets.apply(setName(region, 'best'), here);
  });
  const bare = new Map<PlayerId, number>();
  const ceiling = await bytesOf(async (scores) => {
    for (const { player, value } of scores) bare.set(player, value);
  });
  return [{ what: `an entry in a process’s own memory, heap, against one of a bare map without order (${bare.size.toLocaleString('en')} entries)`, ours, ceiling, unit: 'bytes' }];
}

/** Collects all garbage there is. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
