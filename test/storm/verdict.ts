import { Client } from 'pg';
import { assertAuditGreen } from '../kit/economy.ts';
import { service } from '../kit/player.ts';
import type { TestServer } from '../kit/server.ts';
import type { Accepted, BotReport } from './messages.ts';

const NAMED_MAX = 5;

export interface Answered {
  at: number;
  /** Who was answered last. */
  last: string;
}

interface Waiting {
  after: number;
  left: Set<string>;
  done: (answered: Answered) => void;
}

/** What the bots reported. */
export class StormBooks {
  readonly trades: Accepted[] = [];
  readonly gathered: Extract<BotReport, { type: 'gathered' }>[] = [];
  readonly faults: string[] = [];
  readonly online = new Set<string>();
  readonly shown = new Map<string, { fungibles: Record<string, number>; items: string[] }>();
  readonly #players = new Set<string>();
  readonly histories = new Map<string, string>();
  #waiting: Waiting[] = [];

  take(report: BotReport): void {
    switch (report.type) {
      case 'present':
        for (const player of report.players) this.#players.add(player);
        break;
      case 'trade':
        this.trades.push(report.accepted);
        break;
      case 'gathered':
        this.gathered.push(report);
        break;
      case 'fault':
        this.faults.push(report.message);
        break;
      case 'answered':
        for (const waiting of this.#waiting) if (report.begunAt > waiting.after) this.#noLonger(waiting, report);
        break;
      case 'hit': {
        // By the newest fault, of which it is waited for as well: that one's time is counted, and not the earlier ones'.
        const newest = Math.max(...this.#waiting.map(({ after }) => after).filter((after) => after <= report.at));
        for (const waiting of this.#waiting) if (waiting.after < newest) this.#noLonger(waiting, report);
        break;
      }
      case 'finished':
        for (const player of report.online) this.online.add(player);
        for (const [player, history] of Object.entries(report.histories)) this.histories.set(player, history);
        for (const [player, shown] of Object.entries(report.shown)) this.shown.set(player, shown);
    }
  }

  #noLonger(waiting: Waiting, { player, at }: { player: string; at: number }): void {
    if (!waiting.left.delete(player) || waiting.left.size > 0) return;
    waiting.done({ at, last: player });
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
  }

  /**
   * When every bot has had an answer to something that it asked after that time, or was hit by a later fault; never, of those
   * who are given up.
   */
  allAnsweredAfter(after: number): Promise<Answered> {
    return new Promise((done) => this.#waiting.push({ after, left: new Set(this.#players), done }));
  }

  giveUp(): void {
    for (const { left, done } of this.#waiting) done({ at: Number.POSITIVE_INFINITY, last: [...left][0] as string });
    this.#waiting = [];
  }
}

export interface JudgeOptions {
  server: TestServer;
  urls: readonly string[];
  players: readonly string[];
}

/** What does not hold: acknowledged and not there, refused and there, half there, not online, shown otherwise than PostgreSQL says, a red audit. */
export async function judgeStorm(books: StormBooks, { server, urls, players }: JudgeOptions): Promise<string[]> {
  const known = await commandsOf(urls);
  const has = (command: string) => known.has(command);
  const lost = books.trades.filter(({ outcome, commands }) => outcome === 'settled' && !commands.every(has)).map(({ trade }) => `trade ${trade} was acknowledged and is not there`);
  const half = books.trades.filter(({ commands: [a, b] }) => has(a) !== has(b)).map(({ trade }) => `trade ${trade} is there by half`);
  const refused = books.trades.filter(({ outcome, commands }) => outcome === 'refused' && commands.some(has)).map(({ trade }) => `trade ${trade} was refused and is there`);
  const ungathered = books.gathered.filter(({ command }) => !has(command)).map(({ player }) => `a gathering of ${player} was acknowledged and is not there`);
  const offline = players.filter((player) => !books.online.has(player)).map((player) => `${player} did not come back online`);
  const records = await service(server).call<{ players: { id: string; fungibles: Record<string, number>; items: { id: string }[] }[] }>('POST', '/players', { ids: players });
  const otherwise = records.body.players
    .filter(({ id }) => books.online.has(id))
    .filter(({ id, fungibles, items }) => textOf({ fungibles, items: items.map((item) => item.id) }) !== textOf(books.shown.get(id)))
    .map(({ id }) => `${id} is shown otherwise than PostgreSQL says`);
  const red = await assertAuditGreen(server).then(() => [], (error: Error) => [error.message]);
  return [lost, half, refused, ungathered, offline, otherwise, books.faults].flatMap((kind) => [...kind.slice(0, NAMED_MAX), ...(kind.length > NAMED_MAX ? [`… and ${kind.length - NAMED_MAX} more like it`] : [])]).concat(red);
}

function textOf(holdings: { fungibles: Record<string, number>; items: string[] } | undefined): string {
  const counts = Object.entries(holdings?.fungibles ?? {}).filter(([, count]) => count > 0);
  return JSON.stringify([counts.toSorted(([a], [b]) => (a < b ? -1 : 1)), (holdings?.items ?? []).toSorted()]);
}

async function commandsOf(urls: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (const connectionString of urls) {
    const client = new Client({ connectionString });
    await client.connect();
    const { rows } = await client.query<{ id: string }>('select id from command').finally(() => client.end());
    for (const { id } of rows) known.add(id);
  }
  return known;
}
