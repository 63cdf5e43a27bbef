import { setTimeout as delay } from 'node:timers/promises';
import { pick, seededRandom } from '../bench/kit/holdings.ts';
import { inParallel } from './in-parallel.ts';
import type { Fault, LoadRecord, Machine, Second } from '../reporting/record.ts';
import { Crew } from './crew.ts';
import type { Profile } from './profile.ts';
import { Recorder } from './recorder.ts';
import { Sampler } from './sampler.ts';
import type { Stage } from './stage.ts';
import { headlinesOf, violationsOf } from './verdict.ts';

const SECOND_MS = 1_000;
/** What each bot is given to trade with. */
const GRANT = { fungibles: { gold: 10_000 }, items: [{ kind: 'sword' }, { kind: 'bow' }, { kind: 'helmet' }] };
const GRANTS_AT_ONCE = 20;
const AUDIT_MAX_MS = 600_000;
/** A killed process's transactions are ended by the others within seconds. */
const RESOLVED_MAX_MS = 15_000;

export interface LoadRun {
  profile: Profile;
  name: string;
  seed: number;
  stage: Stage;
  machine: Machine;
  /** Hears where the run is; `total` is its length in seconds. */
  onProgress: (phase: string, done: number, total: number) => void;
}

/** Runs a profile against a stage, and judges what came of it. The stage is the caller's to stop. */
export async function runLoad({ profile, name, seed, stage, machine, onProgress }: LoadRun): Promise<LoadRecord> {
  const startedAt = new Date().toISOString();
  const [recorder, sampler, faults, said]: [Recorder, Sampler, Fault[], string[]] = [new Recorder(), await Sampler.open(stage), [], []];
  const crews: Crew[] = [];
  const present = new Map<number, { online: number; bytes: number; cpuUs: number }>();
  const begun = performance.now();
  const atS = () => (performance.now() - begun) / SECOND_MS;
  for (let at = 0; at < profile.botProcesses; at++) {
    const bots = Math.floor(profile.bots / profile.botProcesses) + (at < profile.bots % profile.botProcesses ? 1 : 0);
    const orders = { endpoints: stage.endpoints, bots, arrivalGapMs: (profile.arriveS * SECOND_MS) / Math.max(1, bots), everyMs: profile.everyMs, mix: profile.mix, seed: seed + at };
    crews.push(new Crew(orders, {
      moment({ ended, online, bytes, cpuUs }) {
        recorder.take(ended);
        const before = present.get(at);
        present.set(at, { online, bytes: (before?.bytes ?? 0) + bytes, cpuUs });
      },
      fault: (message) => said.push(message),
    }));
  }

  const watch = new AbortController();
  const watching = watchSeconds({ sampler, recorder, present, atS, signal: watch.signal, onSecond: () => onProgress('load', Math.min(Math.round(atS()), profile.durationS), profile.durationS) });
  try {
    const players = (await Promise.all(crews.map((crew) => crew.present))).flat();
    await stock(stage, players);
    for (const crew of crews) crew.tell({ type: 'go' });
    await strike({ profile, seed, stage, atS, faults });
    for (const crew of crews) crew.tell({ type: 'finish' });
    await Promise.all(crews.map((crew) => crew.finished));
  } finally {
    for (const crew of crews) crew.end();
    watch.abort();
    await watching;
  }

  onProgress('audit', 0, 1);
  const left = await untilResolved(sampler);
  await sampler.close();
  const audit = await auditOf(stage);
  onProgress('audit', 1, 1);
  const requests = recorder.totals(atS());
  const { bots, botProcesses, durationS, processes, shards, everyMs, mix } = profile;
  const record = {
    kind: 'load' as const, profile: name, title: titleOf(profile), startedAt, machine, faults, audit, requests, seconds: recorder.seconds,
    settings: { bots, botProcesses, durationS, processes: stage.pids().servers.length === 0 ? 0 : processes, shards, seed, everyMs, mix },
  };
  return { ...record, violations: [...violationsOf({ ...record, left }), ...new Set(said.map((message) => `a bot failed: ${message}`))], headlines: headlinesOf(record) };
}

function titleOf({ bots, durationS, processes, killEveryS }: Profile): string {
  const minutes = durationS >= 120 ? `${Math.round(durationS / 60)} minutes` : `${durationS} seconds`;
  return `${bots.toLocaleString('en')} players for ${minutes} on ${processes} server process${processes > 1 ? 'es' : ''}${killEveryS === undefined ? '' : `, of which one is killed every ${killEveryS} s`}`;
}

/** Kills processes, one after the other, for as long as the load goes on. */
async function strike({ profile: { durationS, killEveryS }, seed, stage, atS, faults }: { profile: Profile; seed: number; stage: Stage; atS: () => number; faults: Fault[] }): Promise<void> {
  const random = seededRandom(seed);
  const restS = () => durationS - atS();
  while (killEveryS !== undefined && restS() > killEveryS) {
    await delay(killEveryS * SECOND_MS);
    const at = pick(random, stage.endpoints.map((_, place) => place));
    faults.push({ atS: atS(), what: `kill -9 of process ${at}` });
    await stage.kill(at);
  }
  await delay(Math.max(0, restS() * SECOND_MS));
}

async function stock({ endpoints, serviceKey }: Stage, players: readonly string[]): Promise<void> {
  if (serviceKey === undefined) return;
  await inParallel(players, GRANTS_AT_ONCE, async (playerId) => {
    const response = await fetch(`${endpoints[0]}/service/grants`, {
      method: 'POST',
      headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ commandId: crypto.randomUUID(), playerId, ...GRANT }),
    });
    if (!response.ok) throw new Error(`a grant was refused: ${await response.text()}`);
  });
}

async function auditOf({ endpoints, serviceKey }: Stage): Promise<LoadRecord['audit']> {
  if (serviceKey === undefined) return [];
  const response = await fetch(`${endpoints[0]}/service/audit`, { headers: { authorization: `Bearer ${serviceKey}` }, signal: AbortSignal.timeout(AUDIT_MAX_MS) });
  if (!response.ok) throw new Error(`the audit was refused: ${await response.text()}`);
  const { invariants } = (await response.json()) as { invariants: { name: string; ok: boolean }[] };
  return invariants.map(({ name, ok }) => ({ invariant: name, holds: ok }));
}

/** @returns how many transactions are still prepared when they should have been ended */
async function untilResolved(sampler: Sampler): Promise<number> {
  for (const deadline = Date.now() + RESOLVED_MAX_MS; ; await delay(200)) {
    const prepared = (await sampler.prepared()) ?? 0;
    if (prepared === 0 || Date.now() > deadline) return prepared;
  }
}

interface Watched {
  sampler: Sampler;
  recorder: Recorder;
  present: ReadonlyMap<number, { online: number; bytes: number; cpuUs: number }>;
  atS: () => number;
  signal: AbortSignal;
  onSecond: () => void;
}

async function watchSeconds({ sampler, recorder, present, atS, signal, onSecond }: Watched): Promise<void> {
  const sumOf = (of: 'online' | 'bytes' | 'cpuUs') => [...present.values()].reduce((sum, one) => sum + one[of], 0);
  let [bytes, cpuUs, lookedS] = [0, 0, 0];
  for (let nextS = 1; !signal.aborted; nextS = Math.max(nextS + 1, Math.floor(atS()))) {
    await delay(Math.max(0, (nextS - atS()) * SECOND_MS));
    const usage = await sampler.look(sumOf('cpuUs') - cpuUs);
    const online = sumOf('online');
    const second: Omit<Second, 'requests'> = { atS: Number(atS().toFixed(1)), online, ...usage, patchBytesPerPlayer: online === 0 ? 0 : (sumOf('bytes') - bytes) / online / Math.max(0.5, atS() - lookedS) };
    [bytes, cpuUs, lookedS] = [sumOf('bytes'), sumOf('cpuUs'), atS()];
    recorder.close(second);
    onSecond();
  }
}
