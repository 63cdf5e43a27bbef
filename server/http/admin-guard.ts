import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { Refusal } from '../../schema/refusals.ts';
import { sendRefusal } from './refusal-reply.ts';

export const ADMIN = 'admin';
const REALM = 'Strongroom';
const MINUTE_MS = 60_000;

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Who signs in as admin, compared in constant time. */
function isAdmin(authorization: string | undefined, adminPassword: string): boolean {
  const given = /^Basic ([\w+/=]+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(Buffer.from(given, 'base64').toString()), digest(`${ADMIN}:${adminPassword}`));
}

/** Lets pass who signs in as admin. A browser asks for the password. [SV5] */
export function demandAdmin(adminPassword: string): RequestHandler {
  return (request, response, next) => {
    if (isAdmin(request.headers.authorization, adminPassword)) return next();
    response.setHeader('www-authenticate', `Basic realm="${REALM}", charset="UTF-8"`);
    sendRefusal(response, new Refusal('UNAUTHENTICATED'));
  };
}

/**
 * Guesses per minute and address. Who knows the password is not counted, however many requests there are at once; at an address that
 * guessed too often the right one waits too, or it would be the guess that is let in. [SC4]
 */
export function slowAdminGuesses({ adminPassword, failuresMax }: { adminPassword: string; failuresMax: number }): RequestHandler {
  const keyOf = (request: Request) => ipKeyGenerator(request.ip ?? '');
  const limited = rateLimit({
    windowMs: MINUTE_MS,
    limit: failuresMax,
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    async skip(request) {
      const { authorization } = request.headers;
      // A page that a browser asks for the first time brings no password, and is no guess.
      if (authorization === undefined) return true;
      return isAdmin(authorization, adminPassword) && ((await limited.getKey(keyOf(request)))?.totalHits ?? 0) < failuresMax;
    },
    keyGenerator: keyOf,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, response) => sendRefusal(response, new Refusal('RATE_LIMITED')),
  });
  return limited;
}
