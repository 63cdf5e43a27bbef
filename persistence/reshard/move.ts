import { ClusterError } from '../cluster.ts';
import type { ReachFaultPoint } from '../fault-points.ts';
import type { Shard } from '../shard.ts';
import type { TransactOn } from '../transact.ts';

export interface SlotMove {
  slot: number;
  target: number;
}

export interface MoveProgress {
  phase: 'copy' | 'verify' | 'flip' | 'clean';
  done: number;
  total: number;
}

export interface MoveReport {
  moved: number;
  /** One for each group of slots that were flipped together: how long its writers waited. */
  stallsMs: number[];
}

export type MoveSlots = (moves: readonly SlotMove[], onProgress?: (progress: MoveProgress) => void) => Promise<MoveReport>;

export interface SlotMover {
  move: MoveSlots;
  /** Ends what an interrupted move left. @returns how many slots */
  finish(onProgress?: (progress: MoveProgress) => void): Promise<number>;
}

/** Stands in for the mover: slots of nobody change hands, and any other is refused. */
export function slotMover({ shards, transactOn }: { shards: Shard[]; transactOn: TransactOn; reach: ReachFaultPoint }): SlotMover {
  return {
    async move(moves, onProgress) {
      const began = performance.now();
      await transactOn(shards.keys(), 'move', async ({ parts }) => {
        for (const part of parts) {
          const [row] = await part.query<{ held: boolean }>({ name: 'stub-held', text: 'select exists (select 1 from inventory where slot_of(holder::text) = any($1::int[])) as held' }, [moves.map(({ slot }) => slot)]);
          if (row?.held) throw new ClusterError('slots of players cannot be moved yet');
        }
        for (const part of parts) {
          await part.query({ name: 'stub-flip', text: 'update slot set shard = m.target, epoch = epoch + 1 from unnest($1::int[], $2::int[]) as m(slot, target) where slot.slot = m.slot' }, [moves.map(({ slot }) => slot), moves.map(({ target }) => target)]);
          await part.query({ name: 'stub-version', text: 'update slot_map set version = version + 1' }, []);
        }
      });
      onProgress?.({ phase: 'flip', done: moves.length, total: moves.length });
      return { moved: moves.length, stallsMs: [performance.now() - began] };
    },
    async finish() {
      return 0;
    },
  };
}
