import type { AuditState } from '../../schema/messages/ops.ts';
import type { AuditReport } from '../audit.ts';
import { newId } from '../new-id.ts';
import type { Shard } from '../shard.ts';

/** Runs are kept for so long, for whoever looks back. */
const KEPT = '90 days';
const PROBLEMS_MAX = 20;

/** The audits that ran by schedule, on the first shard, by whose clock they are due. */
export interface AuditRuns {
  /** One in each interval, whoever asks: the run of a process that died in it is made up for by the next. @returns the run's id */
  claim(intervalMs: number): Promise<string | undefined>;
  end(id: string, report: AuditReport): Promise<void>;
  /** The last one that came to its end. */
  last(): Promise<AuditState | undefined>;
}

export function auditRuns(shards: readonly Shard[]): AuditRuns {
  const query = async <Row>(text: string, values: readonly unknown[]): Promise<Row[]> => ((await shards[0]?.pool.query({ text, values: [...values] }))?.rows ?? []) as Row[];
  return {
    async claim(intervalMs) {
      const [claimed] = await query<{ id: string }>(
        `with old as (delete from audit_run where started_at < now() - interval '${KEPT}')
         insert into audit_run (id, period) select $1::uuid, $2::float8 || '/' || floor(extract(epoch from now()) * 1000 / $2::float8) on conflict do nothing returning id`,
        [newId(), intervalMs],
      );
      return claimed?.id;
    },
    async end(id, { invariants }) {
      const problems = invariants.filter(({ ok }) => !ok).flatMap(({ name, violations }) => violations.map((violation) => `${name}: ${violation}`));
      await query('update audit_run set ended_at = clock_timestamp(), violations = $2, problems = $3 where id = $1', [id, problems.length, JSON.stringify(problems.slice(0, PROBLEMS_MAX))]);
    },
    async last() {
      const [row] = await query<AuditState>(
        `select round(extract(epoch from started_at) * 1000)::float8 as "startedAt", round(extract(epoch from ended_at) * 1000)::float8 as "endedAt", violations, problems
         from audit_run where ended_at is not null order by started_at desc limit 1`, []);
      return row;
    },
  };
}
