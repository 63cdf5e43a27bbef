import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { Refusal } from '../../schema/refusals.ts';
import { demandSameOrigin } from './cross-origin.ts';
import { sendRefusal } from './refusal-reply.ts';

const ADMIN = 'admin';
const REALM = 'Strongroom';
const MINUTE_MS = 60_000;

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Who signs in as admin, compared in constant time. */
function isAdmin(authorization: string | undefined, adminPassword: string): boolean {
  const given = /^Basic ([\w+/=]+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(Buffer.from(given, 'base64').toString()), digest(`${ADMIN}:${adminPassword}`));
}

export interface AdminGuardOptions {
  adminPassword: string;
  /** Guesses per minute and address. */
  failuresMax: number;
}

/** In front of every page of operators: from the page itself, not too often, and with the password. [SC2] [SV5] */
export const guardAdmin = (options: AdminGuardOptions): RequestHandler[] => [demandSameOrigin, slowGuesses(options), demandAdmin(options)];

/** A browser asks for the password. */
function demandAdmin({ adminPassword }: AdminGuardOptions): RequestHandler {
  return (request, response, next) => {
    if (isAdmin(request.headers.authorization, adminPassword)) return next();
    response.setHeader('www-authenticate', `Basic realm="${REALM}", charset="UTF-8"`);
    sendRefusal(response, new Refusal('UNAUTHENTICATED'));
  };
}

/**
 * Who knows the password is not counted, however many requests there are at once; at an address that
 * guessed too often the right one waits too, or it would be the guess that is let in. [SC4]
 */
function slowGuesses({ adminPassword, failuresMax }: AdminGuardOptions): RequestHandler {
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
