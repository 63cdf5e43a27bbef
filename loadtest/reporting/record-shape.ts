import { z } from 'zod';
import type { BenchRecord, LoadRecord } from './record.ts';

/** JSON has no NaN: it is written as null, and is NaN again here. */
const figure = z.number().nullable().transform((value) => value ?? Number.NaN);
const startedAt = z.iso.datetime({ offset: true });
const counts = z.record(z.string(), figure);

const machine = z.object({ cpus: figure, model: z.string(), memoryMb: figure, node: z.string(), system: z.string() });

const latencies = z.object({ answered: figure, refused: figure, failed: figure, p50: figure, p95: figure, p99: figure, max: figure });

const share = z.number().nullable();

const second = z.object({
  atS: z.number(),
  online: figure,
  requests: z.record(z.string(), latencies),
  cpu: z.object({ servers: share, database: share, redis: share, bots: share }),
  processes: z.record(z.string(), z.object({ residentMb: figure, heapMb: figure, handles: figure, loopDelayP99Ms: figure })),
  patchBytesPerPlayer: figure,
  redisKeys: share,
  prepared: share,
});

const load = z.object({
  kind: z.literal('load'),
  profile: z.string(),
  title: z.string(),
  startedAt,
  machine,
  settings: z.object({ bots: figure, botProcesses: figure, durationS: figure, processes: figure, shards: figure, seed: figure, everyMs: figure, mix: counts }),
  seconds: z.array(second),
  requests: z.array(latencies.extend({ kind: z.string(), perSecond: figure, refusals: counts, failures: counts })),
  faults: z.array(z.object({ atS: z.number(), what: z.string() })),
  audit: z.array(z.object({ invariant: z.string(), holds: z.boolean() })),
  violations: z.array(z.string()),
  headlines: z.array(z.object({ label: z.string(), value: figure, unit: z.string() })),
}) satisfies z.ZodType<LoadRecord>;

const target = z.object({ text: z.string(), isMet: z.boolean() });

const bench = z.object({
  kind: z.literal('bench'),
  name: z.string(),
  title: z.string(),
  startedAt,
  machine,
  rounds: figure,
  results: z.array(z.object({ what: z.string(), ours: figure, ceiling: figure, ratio: figure, unit: z.string(), targets: z.array(target) })),
}) satisfies z.ZodType<BenchRecord>;

const record = z.discriminatedUnion('kind', [load, bench]);

/** What a file of JSON says, or why it is not a record. */
export function readRecord(text: string): { record: LoadRecord | BenchRecord } | { why: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: 'it is not JSON' };
  }
  const read = record.safeParse(value);
  if (read.success) return { record: read.data };
  const [issue] = read.error.issues;
  return { why: `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'not a record'}` };
}
