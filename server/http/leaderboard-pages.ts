import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { BoardRows } from '../../schema/leaderboard.ts';
import type { Leaderboards } from '../leaderboards/index.ts';
import { gamesCors } from './cross-origin.ts';

/** How long a cache before us may show what it has. */
export const FRESH = 'public, max-age=1';
/** Anyone can think of addresses that mean the same. */
const ADDRESSES_MAX = 1_000;
const ADDRESS_LENGTH_MAX = 200;

/** The best of a board, as it was asked for. */
interface Asked {
  board: string;
  region: string;
  limit: number;
}

interface Page {
  /** As bytes, which are sent again as they are. */
  body: Buffer;
  etag: string;
}

/**
 * The best of boards as pages. What was written once is sent again for as long as the rows are the same, and an address that was
 * answered once is answered ahead of the framework, whose way to a route costs more than the page.
 */
export class LeaderboardPages {
  readonly #leaderboards: Pick<Leaderboards, 'top'>;
  readonly #pages = new WeakMap<BoardRows, Map<number, Page>>();
  readonly #addresses = new LRUCache<string, Asked>({ max: ADDRESSES_MAX });

  constructor(leaderboards: Pick<Leaderboards, 'top'>) {
    this.#leaderboards = leaderboards;
  }

  /**
   * By the very address and method of a request that was answered before, with the rows of now.
   * @param otherwise takes the request when that fails
   * @returns whether it is answered, now or in a moment
   */
  answerAgain(request: IncomingMessage, response: ServerResponse, otherwise: () => void): boolean {
    const { method, url = '' } = request;
    const asked = method === 'GET' ? this.#addresses.get(url) : undefined;
    if (asked === undefined) return false;
    const send = (rows: BoardRows) => {
      for (const [name, value] of Object.entries(gamesCors(request))) response.setHeader(name, value);
      this.#send(request, response, this.#pageOf(rows, asked.limit));
    };
    this.#leaderboards.top(asked.board, asked.region).then(send, () => {
      this.#addresses.delete(url);
      otherwise();
    });
    return true;
  }

  /** @throws {Refusal} BAD_REQUEST for an unknown board or region */
  async top(request: IncomingMessage, response: ServerResponse, asked: Asked, address: string): Promise<void> {
    const rows = await this.#leaderboards.top(asked.board, asked.region);
    if (address.length <= ADDRESS_LENGTH_MAX) this.#addresses.set(address, asked);
    this.send(request, response, rows, asked.limit);
  }

  send(request: IncomingMessage, response: ServerResponse, rows: BoardRows, limit: number): void {
    this.#send(request, response, this.#pageOf(rows, limit));
  }

  #pageOf(rows: BoardRows, limit: number): Page {
    const known = this.#pages.get(rows) ?? new Map<number, Page>();
    this.#pages.set(rows, known);
    let page = known.get(limit);
    if (page === undefined) {
      const body = Buffer.from(JSON.stringify({ ...rows, rows: rows.rows.slice(0, limit) }));
      page = { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"` };
      known.set(limit, page);
    }
    return page;
  }

  #send(request: IncomingMessage, response: ServerResponse, { body, etag }: Page): void {
    const headers = { 'cache-control': FRESH, etag };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }).end(request.method === 'HEAD' ? undefined : body);
  }
}
