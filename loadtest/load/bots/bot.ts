import { setTimeout as delay } from 'node:timers/promises';
import type { GuildId, PlayerId } from '../../../schema/ids.ts';
import { whole, type Random } from '../../bench/kit/holdings.ts';
import { newCommandId, StrongroomClient, type RoomLink } from '../../../web/client/index.ts';
import { CountingServers } from './counting-servers.ts';
import type { Tally } from './tally.ts';

const NODES = ['ore-1', 'wood-1', 'herb-1', 'fish-1'];
const BOARDS = ['arena', 'gathered', 'trades', 'wealth'];
const REGIONS = ['global', 'eu', 'us', 'asia'];
/** So long a bot waits for its two rooms; and for a patch, which comes many times a second, or for its seat after a drop. */
const ONLINE_WITHIN_MS = 60_000;
const SEEN_WITHIN_MS = 5_000;
const BACK_WITHIN_MS = 30_000;
const LOOK_MS = 10;
const STEP_MIN = 40;
const STEP_MAX = 120;
const GOLD_MAX = 5;

/** One player by the client helper: it does what it is told, and has each request counted. */
export class Bot {
  id = '' as PlayerId;
  /** Whether it is at something. */
  isBusy = false;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #servers: CountingServers;
  readonly #client: StrongroomClient;
  readonly #zone: RoomLink<'zone'>;
  #guild: RoomLink<'guild'> | undefined;
  readonly #endpoints: readonly string[];

  constructor({ endpoints, random, tally }: { endpoints: readonly string[]; random: Random; tally: Tally }) {
    this.#endpoints = endpoints;
    this.#tally = tally;
    this.#random = random;
    this.#servers = new CountingServers({ endpoints, signInRoundsMax: 20 });
    this.#client = new StrongroomClient({ servers: this.#servers });
    this.#zone = this.#client.zone();
    // Nobody is there to be asked: it comes back by itself for as long as the run goes.
    for (const link of [this.#client.player, this.#zone]) link.status.watch(({ kind }) => kind === 'lost' && link.start());
  }

  get isOnline(): boolean {
    return this.#client.player.status.get().kind === 'live' && this.#zone.status.get().kind === 'live';
  }

  /** What came off its sockets since it was last asked, in bytes. */
  takeBytes(): number {
    const { bytes } = this.#servers;
    this.#servers.bytes = 0;
    return bytes;
  }

  async arrive(dueAt: number): Promise<void> {
    const user = await this.#tally.time('sign in', () => this.#servers.signInAnonymously<{ playerId: PlayerId }>({ name: 'Load bot' }), dueAt);
    if (user === undefined) return;
    this.id = user.playerId;
    this.#client.start();
    await this.#tally.time('join', () => until(() => this.isOnline, ONLINE_WITHIN_MS, 'both rooms were joined'));
  }

  /** Walks a few steps; what counts is when a patch shows that it goes. */
  async walk(dueAt: number): Promise<void> {
    const from = this.#place();
    if (from === undefined) return;
    const [angle, length] = [this.#random() * 2 * Math.PI, STEP_MIN + this.#random() * (STEP_MAX - STEP_MIN)];
    // Towards the middle from where the zone ends, so that every walk leads somewhere.
    const { width = 0, height = 0 } = this.#zone.state ?? {};
    const to = { x: turned(from.x, Math.cos(angle) * length, width), y: turned(from.y, Math.sin(angle) * length, height) };
    await this.#tally.time('move', () => {
      this.#zone.send('move', to);
      return until(() => isElsewhere(this.#place(), from), SEEN_WITHIN_MS, 'a patch showed the walk');
    }, dueAt);
    await until(() => !isElsewhere(this.#place(), to), SEEN_WITHIN_MS, 'it arrived').catch(() => undefined);
  }

  async gather(dueAt: number): Promise<void> {
    await this.#tally.time('gather', () => this.#zone.request('gather', { nodeId: this.#oneOf(NODES) }), dueAt);
  }

  /** A whole trade with another bot of this process: gold for gold, and an item when there is one. */
  async tradeWith(partner: Bot, dueAt: number): Promise<void> {
    const tally = this.#tally;
    const invited = await tally.time('trade:invite', () => this.#client.player.request('trade:invite', { playerId: partner.id }), dueAt);
    if (invited === undefined) return;
    const sides = [this.#client.trade(invited.tradeId), partner.#client.trade(invited.tradeId)] as const;
    try {
      const first = await tally.time('trade:offer', () => sides[0].request('trade:offer', this.#draft()));
      const second = first && (await tally.time('trade:offer', () => sides[1].request('trade:offer', partner.#draft())));
      if (second === undefined) return;
      const { revision } = second;
      const waiting = await tally.time('trade:accept', () => sides[0].request('trade:accept', { commandId: newCommandId(), revision }));
      if (waiting !== undefined) await tally.time('trade settled', () => sides[1].request('trade:accept', { commandId: newCommandId(), revision }));
    } finally {
      for (const side of sides) side.close();
    }
  }

  /** Of what it carries, into its guild's bank. */
  async deposit(dueAt: number): Promise<void> {
    const [guild, gold] = [this.#guild, this.#gold()];
    if (guild === undefined || gold === 0) return await this.board(dueAt);
    await this.#tally.time('guild:deposit', () => guild.request('guild:deposit', { fungibles: { gold: 1 } }), dueAt);
  }

  async board(dueAt: number): Promise<void> {
    const [endpoint, board, region] = [this.#oneOf(this.#endpoints), this.#oneOf(BOARDS), this.#oneOf(REGIONS)];
    await this.#tally.time('leaderboard', async () => {
      const response = await fetch(`${endpoint}/leaderboards/${board}?region=${region}&limit=100`, { signal: AbortSignal.timeout(SEEN_WITHIN_MS) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      await response.arrayBuffer();
    }, dueAt);
  }

  /** Loses the zone's socket; what counts is when it has its seat again. */
  async reconnect(dueAt: number): Promise<void> {
    await this.#tally.time('reconnect', async () => {
      this.#servers.drop('zone');
      await until(() => !this.isOnline, SEEN_WITHIN_MS, 'the drop was noticed');
      await until(() => this.isOnline, BACK_WITHIN_MS, 'it had its seat again');
    }, dueAt);
  }

  /** Founds a guild, and brings the others into it. */
  async found(name: string, tag: string, others: readonly Bot[]): Promise<void> {
    const made = await this.#tally.time('guild:create', () => this.#client.player.request('guild:create', { name, tag }));
    if (made === undefined) return;
    const guildId = made.guildId as GuildId;
    this.#guild = this.#client.guild(guildId);
    for (const other of others) {
      await this.#tally.time('guild:invite', () => this.#guild!.request('guild:invite', { playerId: other.id }));
      const joined = await other.#tally.time('guild:accept', () => other.#client.player.request('guild:accept', { guildId }));
      if (joined !== undefined) other.#guild = other.#client.guild(guildId);
    }
  }

  close(): void {
    this.#client.close();
  }

  #place(): { x: number; y: number } | undefined {
    const shown = this.#zone.state?.players?.get(this.id);
    return shown && { x: shown.x, y: shown.y };
  }

  #gold(): number {
    return this.#client.player.state?.fungibles?.get('gold') ?? 0;
  }

  #draft(): { items: string[]; fungibles: Record<string, number> } {
    const items = [...(this.#client.player.state?.items?.keys() ?? [])];
    const gold = Math.min(whole(this.#random, 1, GOLD_MAX), this.#gold());
    return { items: items.length > 0 && this.#random() < 0.7 ? [this.#oneOf(items)] : [], fungibles: gold > 0 ? { gold } : {} };
  }

  #oneOf<Value>(values: readonly Value[]): Value {
    return values[whole(this.#random, 0, values.length - 1)] as Value;
  }
}

/** @throws {Error} saying what was not so in time */
async function until(condition: () => boolean, withinMs: number, what: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await delay(LOOK_MS);
  }
}

const isElsewhere = (place: { x: number; y: number } | undefined, other: { x: number; y: number }): boolean => place !== undefined && Math.hypot(place.x - other.x, place.y - other.y) > 0.5;

/** A step along one side of the zone, turned back where it would leave it. */
function turned(from: number, by: number, size: number): number {
  const to = from + by;
  return to < 0 || to > size ? from - by : to;
}
