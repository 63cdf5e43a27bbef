import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { Refusal } from '../../schema/refusals.ts';

/** Where a password or a key opens doors that no game has, and the loopback counts: nothing for pages of other origins. */
const OPERATORS = /^\/(?:ops|monitor|playground|service|metrics)(?:[/?#]|$)/i;

export const isForOperators = (url: string): boolean => OPERATORS.test(url);

/**
 * What the framework answers to every page: a game may be served from anywhere, its SDK sends cookies along although there are none,
 * and what opens a door is a token that only the game's own page has.
 */
export function gamesCors({ url = '', headers: { origin } }: IncomingMessage): Record<string, string> {
  return isForOperators(url) ? {} : { 'access-control-allow-origin': origin ?? '*', 'access-control-allow-credentials': 'true', vary: 'Origin' };
}

/** Takes back what the framework said of other origins before it asked us. [SC3] */
export function keepFromOtherPages(request: IncomingMessage, response: ServerResponse): void {
  for (const name of response.getHeaderNames()) if (name.startsWith('access-control-')) response.removeHeader(name);
  Object.entries(gamesCors(request)).forEach(([name, value]) => response.setHeader(name, value));
}

/**
 * For pages that a browser sends the password to whoever asks: only they themselves may ask. A link to one may be followed. [SC3]
 *
 * An image or a form of another page has no `Origin` that tells, and the monitor changes rooms by GET; `Sec-Fetch-Site` tells of both.
 */
export const demandSameOrigin: RequestHandler = ({ method, path, headers }, _response, next) => {
  const { origin, host, 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode } = headers;
  const isLink = method === 'GET' && path === '/' && mode === 'navigate';
  const isOwn = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (isOwn && (isLink || site === 'same-origin' || site === 'none')) return next();
  next(new Refusal('BAD_REQUEST', { reason: 'another page asked' }));
};
