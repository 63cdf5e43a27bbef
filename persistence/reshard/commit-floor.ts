import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '../../schema/invariant.ts';
import type { Shard } from '../shard.ts';

const LOOK_AGAIN_MS = 20;
const PREPARED_WAIT_MAX_MS = 60_000;

interface Sample {
  at: string;
  floor: string;
}

/**
 * Since when a shard's open transactions may have begun. A row's time is when its transaction began, and it is seen only when
 * that commits: whoever has read what was there at an instant must read again from the floor of that instant on.
 *
 * Of a transaction that is prepared, PostgreSQL says when it was prepared and not when it began. But at an earlier look it was
 * running, so that it began after that look's floor, or it had not begun. What was prepared before the first look is waited for:
 * a resolver ends it.
 */
export class CommitFloor {
  readonly #shard: Shard;
  readonly #samples: Sample[] = [];

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  /** The floor of now, as that shard's clock tells it. Compared as text of one format and zone. */
  async look(): Promise<string> {
    const deadline = Date.now() + PREPARED_WAIT_MAX_MS;
    for (;;) {
      const { rows: [running] } = await this.#shard.pool.query<{ began: string }>(
        `select ${utc(`(select least(now(), min(xact_start)) from pg_stat_activity where datname = current_database())`)} as began`,
      );
      // Afterwards, and with the time of this look: what was prepared in between counts as prepared before it.
      const { rows: [prepared] } = await this.#shard.pool.query<{ at: string; since: string[] }>(
        `select ${utc('clock_timestamp()')} as at, array(select ${utc('prepared')} from pg_prepared_xacts where database = current_database()) as since`,
      );
      invariant(running && prepared, 'a server tells its time');
      const floors = prepared.since.map((since) => this.#samples.findLast(({ at }) => at <= since)?.floor);
      const known = floors.filter((floor) => floor !== undefined);
      if (known.length === floors.length) {
        const floor = [running.began, ...known].toSorted()[0] as string;
        this.#samples.push({ at: prepared.at, floor });
        return floor;
      }
      if (this.#samples.length === 0) this.#samples.push({ at: prepared.at, floor: running.began });
      if (Date.now() > deadline) throw new Error('a transaction stays prepared; is a server with its resolver running?');
      await delay(LOOK_AGAIN_MS);
    }
  }
}

/** Fixed width, so that text sorts as time does; read back as UTC. */
const utc = (expression: string) => `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
