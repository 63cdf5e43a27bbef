import { invariant } from '../../../schema/invariant.ts';
import type { BenchOptions, BenchResult, Target } from '../kit/bench.ts';
import { inTurn, timeEach } from '../kit/measure.ts';
import { forMs, type More } from '../kit/rate.ts';
import { PEER } from './peer.ts';
import type { Ground, Stage } from './stage.ts';

const SHARE = 0.3;
const CHUNK = 100;
const BANDS = 16;
const BAND_MEMBERS = 100;
const TARGET: readonly Target[] = [{ of: 'ratio', bound: 'at least', value: 1 }];
/** The least that PostgreSQL must do where all are on one shard, written by hand. */
const BARE_LIST = { name: 'bench-bare-members', text: 'select m.player, m.rank, p.name from guild_member m join player p on p.id = m.player where m.guild = $1' };

/** Who is in a guild of 100: from the cache, and past it, one after the other and of several guilds at once. */
export async function lists({ one, four, tidy }: Stage, { rounds, roundMs }: BenchOptions): Promise<BenchResult[]> {
  const bands = await one.hall.bands(BANDS, BAND_MEMBERS);
  await tidy();
  const ms = roundMs * SHARE;
  const cold = ({ hall, hot }: Ground) => ratePerSecond(forMs(ms), 1, async () => {
    hall.guilds.heal();
    await listed(hall.guilds.look(hot.id));
  });
  const several = () => ratePerSecond(forMs(ms), BANDS, async () => {
    one.hall.guilds.heal();
    await timeEach(bands, BANDS, ({ id }) => listed(one.hall.guilds.look(id)));
  });
  const [{ pool } = { pool: undefined }] = one.hall.cluster.shards;
  const bare = () => ratePerSecond(forMs(ms), 1, async () => {
    const found = await pool?.query({ ...BARE_LIST, values: [one.hot.id] });
    invariant(found?.rows.length === one.hot.members.length, 'the bare query finds all members');
  });
  const cached = () => ratePerSecond(forMs(ms), CHUNK, () => timeEach(Array.from({ length: CHUNK }), 1, () => listed(one.hall.guilds.look(one.hot.id))));
  const measured = await inTurn(rounds, { cached, several, cold: () => cold(one), bare, four: () => cold(four) });
  const row = (what: string, ours: keyof typeof measured): BenchResult => ({ what: `members of a guild of 100, ${what}, against the Go peer's`, ours: measured[ours].perSecond, ceiling: PEER.listsPerSecond, unit: 'lists/s', targets: TARGET });
  return [
    row('from the cache', 'cached'),
    row(`cold, of ${BANDS} guilds at once`, 'several'),
    row('cold, one at a time', 'cold'),
    row('cold, one at a time, four shards', 'four'),
    { what: 'members of a guild of 100, cold, one at a time, against the bare query with a join on one shard', ours: measured.cold.perSecond, ceiling: measured.bare.perSecond, unit: 'lists/s' },
  ];

  async function listed(look: ReturnType<Ground['hall']['guilds']['look']>): Promise<void> {
    const found = await look;
    invariant(found !== undefined && found.members.size >= one.hot.members.length, 'all members are listed');
  }
}

async function ratePerSecond(more: More, each: number, work: () => Promise<unknown>): Promise<{ perSecond: number }> {
  const began = performance.now();
  let done = 0;
  do {
    await work();
    done += each;
  } while (more());
  return { perSecond: (done * 1_000) / (performance.now() - began) };
}
