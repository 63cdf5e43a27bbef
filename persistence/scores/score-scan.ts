import type { PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Shard } from '../shard.ts';
import type { SlotMap } from '../slot-map.ts';
import { openStream } from './row-stream.ts';
import type { ScoreChange } from './score-store.ts';

const ATTEMPTS_MAX = 20;
const COLUMNS = 'player, board, season, region, value::float8 as value, version::float8 as version';

const ACTIVE = `select distinct p.id as player from (
    select giver as holder from ledger where at > now() - $1::float8 * interval '1 millisecond'
    union select receiver from ledger where at > now() - $1::float8 * interval '1 millisecond') l join player p on p.id = l.holder`;

export interface ScoreScan {
  /** Every score of a board and a season, in no order; some may come twice. @returns how many came */
  all(board: string, season: number, each: (scores: ScoreChange[]) => Promise<void>): Promise<number>;
  /** What changed within these milliseconds before now, or on each shard before its last change. */
  changedWithin(ms: number, each: (scores: ScoreChange[]) => Promise<void>): Promise<number>;
  /** How many scores there are of a board and a season, by their players' regions. */
  count(board: string, season: number): Promise<Map<string, number>>;
  /** Who had a part in what the game counts within these milliseconds before now. */
  activeWithin(ms: number): Promise<PlayerId[]>;
}

/** Reads scores of all players, shard by shard. Rows that a moving slot took along meanwhile are read again. */
export function scoreScan(shards: readonly Shard[], map: SlotMap): ScoreScan {
  async function scan(text: string, values: unknown[], each: (scores: ScoreChange[]) => Promise<void>): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      await map.keepUp();
      const { view } = map;
      const counts = await Promise.all(shards.map((shard) => scanShard(shard, text, values, each)));
      if (await map.isCurrent(view, shards.map(({ index }) => index))) return counts.reduce((sum, count) => sum + count, 0);
      if (attempt >= ATTEMPTS_MAX) throw new Refusal('BUSY', { reason: 'slots are being moved' });
    }
  }
  return {
    all: (board, season, each) => scan(`select ${COLUMNS} from score where board = $1 and season = $2`, [board, season], each),
    changedWithin: (ms, each) => scan(`select ${COLUMNS} from score where changed_at > least(now(), (select max(changed_at) from score)) - $1::float8 * interval '1 millisecond'`, [ms], each),
    async activeWithin(ms) {
      const found = new Set<PlayerId>();
      for (const shard of shards) {
        const stream = await openStream<{ player: PlayerId }>(shard, ACTIVE, [ms]);
        try {
          for (let rows = await stream.takeSome(); rows.length > 0; rows = await stream.takeSome()) for (const { player } of rows) found.add(player);
        } finally {
          await stream.close();
        }
      }
      return [...found];
    },
    async count(board, season) {
      const counts = new Map<string, number>();
      for (const shard of shards) {
        const stream = await openStream<{ region: string; count: number }>(shard, 'select region, count(*)::float8 as count from score where board = $1 and season = $2 group by 1', [board, season]);
        try {
          for (const { region, count } of await stream.takeSome()) counts.set(region, (counts.get(region) ?? 0) + count);
        } finally {
          await stream.close();
        }
      }
      return counts;
    },
  };
}

async function scanShard(shard: Shard, text: string, values: unknown[], each: (scores: ScoreChange[]) => Promise<void>): Promise<number> {
  const stream = await openStream<ScoreChange>(shard, text, values);
  let count = 0;
  try {
    for (let rows = await stream.takeSome(); rows.length > 0; rows = await stream.takeSome()) {
      await each(rows);
      count += rows.length;
    }
    return count;
  } finally {
    await stream.close();
  }
}
