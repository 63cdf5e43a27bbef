/** What a machine is that figures were taken on. */
export interface Machine {
  cpus: number;
  model: string;
  memoryMb: number;
  node: string;
  system: string;
}

/** What a run of a profile was, and what it came to: one file of JSON, of which the report is made. */
export interface LoadRecord {
  kind: 'load';
  profile: string;
  /** In a line, for people. */
  title: string;
  /** ISO 8601. */
  startedAt: string;
  machine: Machine;
  settings: LoadSettings;
  /** From when the first bot arrived; one each second. */
  seconds: Second[];
  /** Of the whole run, by the kind of request. */
  requests: RequestTotals[];
  faults: Fault[];
  /** The invariants of the audit at the end; empty against a server elsewhere without its databases. */
  audit: { invariant: string; holds: boolean }[];
  /** What must not be: an error that the mix does not provoke, a red invariant, memory that grows. Empty when all is well. */
  violations: string[];
  headlines: Headline[];
}

export interface LoadSettings {
  bots: number;
  botProcesses: number;
  durationS: number;
  /** Server processes; 0 when it ran against a server elsewhere. */
  processes: number;
  shards: number;
  seed: number;
  /** How often a bot does something, on average. */
  everyMs: number;
  /** What they do, in shares of one. */
  mix: Record<string, number>;
}

/** A figure that people quote. */
export interface Headline {
  label: string;
  value: number;
  unit: string;
}

export interface Second {
  /** Since the first bot arrived. */
  atS: number;
  online: number;
  /** Those that ended in this second, by kind. */
  requests: Record<string, Latencies>;
  /** In shares of one core: 1 is a core that does nothing else. NaN is stored as null. */
  cpu: { servers: number | null; database: number | null; redis: number | null; bots: number | null };
  /** By server process. */
  processes: Record<string, { residentMb: number; heapMb: number; handles: number; loopDelayP99Ms: number }>;
  /** Patches and the frames of the first state, over all rooms of a player, as they come off the sockets. */
  patchBytesPerPlayer: number;
  redisKeys: number | null;
  prepared: number | null;
}

/** Counted from when a request was due, not from when it could be sent. */
export interface Latencies {
  answered: number;
  refused: number;
  failed: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface RequestTotals extends Latencies {
  kind: string;
  perSecond: number;
  /** How often each code of the table of refusals came. */
  refusals: Record<string, number>;
  /** How often, by what was said. */
  failures: Record<string, number>;
}

export interface Fault {
  atS: number;
  what: string;
}

/** What `npm run bench` measured of one benchmark. */
export interface BenchRecord {
  kind: 'bench';
  name: string;
  title: string;
  startedAt: string;
  machine: Machine;
  rounds: number;
  results: { what: string; ours: number; ceiling: number; ratio: number; unit: string; targets: { text: string; isMet: boolean }[] }[];
}
