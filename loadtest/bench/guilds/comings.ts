import type { PlayerId } from '../../../schema/ids.ts';
import type { BenchOptions, BenchResult } from '../kit/bench.ts';
import { medians, quantile, timeEach, type Figures } from '../kit/measure.ts';
import type { Band, Hall, Seat } from './hall.ts';
import { PEER, type PeerRate } from './peer.ts';
import type { Ground, Stage } from './stage.ts';

const PLAYERS_MAX = 500;
const IN_FLIGHT = 100;

/** Invited players who come and leave again, each after the other's answer, into one guild and into a hundred. An acceptance and a leaving are two. */
export async function comings({ one, four, tidy }: Stage, { rounds, playersMax }: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  await tidy();
  for (const [where, { hall, hot, bands }] of [['one shard', one], ['four shards', four]] as [string, Ground][]) {
    const players = await hall.players(Math.min(PLAYERS_MAX, playersMax));
    for (const [into, guilds, peer] of [['one guild', [hot], PEER.hot], [`${bands.length} guilds`, bands, PEER.many]] as [string, readonly Band[], PeerRate][]) {
      const seats = players.map((player: PlayerId, at): Seat => ({ player, guild: (guilds[at % guilds.length] as Band).id }));
      await comeAndLeave(hall, seats.slice(0, IN_FLIGHT));
      const measured: Figures[] = [];
      for (let round = 0; round < rounds; round++) measured.push(await comeAndLeave(hall, seats));
      const { perSecond = Number.NaN, p50 = Number.NaN, p99 = Number.NaN } = medians(measured);
      const what = `invited players come to ${into} and leave, ${IN_FLIGHT} in flight, ${where}`;
      results.push({ what: `${what}, against the Go peer's`, ours: perSecond, ceiling: peer.perSecond, unit: 'operations/s', targets: [{ of: 'ratio', bound: 'at least', value: 1 }] });
      if (peer.p99 === undefined) results.push({ what: `${what}, p99, against its p50`, ours: p99, ceiling: p50, unit: 'ms' });
      else results.push({ what: `${what}, p99, against the Go peer's`, ours: p99, ceiling: peer.p99, unit: 'ms', targets: [{ of: 'ratio', bound: 'at most', value: 1 }] });
    }
  }
  return results;
}

async function comeAndLeave(hall: Hall, seats: readonly Seat[]): Promise<Figures> {
  await hall.invite(seats);
  const tookMs: number[] = [];
  const timed = async (work: Promise<void>) => {
    const began = performance.now();
    await work;
    tookMs.push(performance.now() - began);
  };
  const began = performance.now();
  await timeEach(seats, IN_FLIGHT, async (seat) => {
    await timed(hall.act(seat, { type: 'accept' }));
    await timed(hall.act(seat, { type: 'leave' }));
  });
  return { perSecond: (tookMs.length * 1_000) / (performance.now() - began), p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) };
}
