import assert from 'node:assert/strict';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlayerId } from '../../schema/ids.ts';
import type { BoardRows } from '../../schema/leaderboard.ts';
import { Refusal } from '../../schema/refusals.ts';
import { LeaderboardPages } from '../../server/http/leaderboard-pages.ts';

const rows: BoardRows = { board: 'arena', region: 'eu', season: 1, missing: [], rows: [{ rank: 1, playerId: 'a' as PlayerId, name: 'Ann', score: 5, region: 'eu' }] };

describe('pages of leaderboards', () => {
  let isThere = true;
  let handled: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;
  const pages = new LeaderboardPages({ top: () => (isThere ? Promise.resolve(rows) : Promise.reject(new Refusal('BAD_REQUEST'))) });
  const server = createServer((request, response) => void handled?.(request, response));
  before((done) => void server.listen(0, '127.0.0.1', done));
  after((done) => void server.close(done));

  /** What the framework would do: the first time the page, and then nothing at all. */
  const answered = (method: string, path: string) => new Promise<string>((resolve) => {
    handled = async (request, response) => {
      const pass = () => response.end('passed');
      if (!pages.answerAgain(request, response, pass)) pass();
    };
    ask({ port: (server.address() as AddressInfo).port, method, path }, (response) => {
      let text = '';
      response.on('data', (part) => (text += String(part))).on('end', () => resolve(`${response.statusCode} ${text}`));
    }).end();
  });
  const know = (path: string) => new Promise<void>((resolve) => {
    handled = (request, response) => pages.top(request, response, { board: 'arena', region: 'eu', limit: 1 }, path);
    ask({ port: (server.address() as AddressInfo).port, path }, (response) => response.resume().on('end', resolve)).end();
  });

  it('[LB9] are answered ahead of the framework once their address was, and no others', async () => {
    assert.equal(await answered('GET', '/arena'), '200 passed');
    await know('/arena');
    assert.equal(await answered('GET', '/arena'), `200 ${JSON.stringify(rows)}`);
    assert.equal(await answered('GET', '/arena?limit=2'), '200 passed');
    assert.equal(await answered('POST', '/arena'), '200 passed');
    const long = `/arena?${'x'.repeat(300)}`;
    await know(long);
    assert.equal(await answered('GET', long), '200 passed', 'nobody fills the memory with addresses');
  });

  it('[LB9] are the framework\'s again when their board is gone, and from then on', async () => {
    await know('/arena');
    isThere = false;
    assert.equal(await answered('GET', '/arena'), '200 passed');
    isThere = true;
    assert.equal(await answered('GET', '/arena'), '200 passed');
  });
});
