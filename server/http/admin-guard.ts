import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { Refusal } from '../../schema/refusals.ts';
import { sendRefusal } from './refusal-reply.ts';

export const ADMIN = 'admin';
const REALM = 'Strongroom';
const MINUTE_MS = 60_000;
const FAILED = 401;

/** Lets pass who signs in as admin, compared in constant time. A browser asks for the password. [SV5] */
export function demandAdmin(adminPassword: string): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`${ADMIN}:${adminPassword}`);
  return (request, response, next) => {
    const given = /^Basic ([\w+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(Buffer.from(given, 'base64').toString()), expected)) return next();
    response.setHeader('www-authenticate', `Basic realm="${REALM}", charset="UTF-8"`);
    sendRefusal(response, new Refusal('UNAUTHENTICATED'));
  };
}

/** Guesses per minute and address; who knows the password is not counted. [SC4] */
export function slowAdminGuesses(failuresMax: number): RequestHandler {
  return rateLimit({
    windowMs: MINUTE_MS,
    limit: failuresMax,
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    // A page that a browser asks for the first time brings no password, and is no guess.
    skip: (request) => request.headers.authorization === undefined,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, response) => response.statusCode !== FAILED,
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, response) => sendRefusal(response, new Refusal('RATE_LIMITED')),
  });
}

/** What changes something must come from the page itself: a browser sends the password along for any page. [SC3] */
export const demandSameOrigin: RequestHandler = (request, _response, next) => {
  const { origin, host } = request.headers;
  if (request.method === 'GET' || request.method === 'HEAD' || origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return next();
  next(new Refusal('BAD_REQUEST', { reason: 'another page asked' }));
};
