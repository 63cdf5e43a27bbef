import { AsyncLocalStorage } from 'node:async_hooks';
import { createSecretKey } from 'node:crypto';
import { auth, endpoints, JWT } from '@colyseus/auth';
import { createRouter, toNodeHandler } from '@colyseus/core';
import express, { type Router } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { z } from 'zod';
import { PlayerId } from '../../schema/ids.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Accounts, Identity } from '../accounts/index.ts';
import type { Players } from '../players/index.ts';
import { jsonBody } from './json-body.ts';
import { sendRefusal } from './refusal-reply.ts';

const TOKEN_LIFETIME = '30d';
const BODY_BYTES_MAX = '8kb';
const MINUTE_MS = 60_000;
/** Of the library's routes those that need no mail; its reset form, besides, repeats the query into the page as it came. */
const ROUTES = ['auth-anonymous', 'auth-register', 'auth-login', 'auth-userdata'];

const Claims = z.object({ playerId: PlayerId, anonymous: z.boolean(), email: z.string().optional() });

export interface AuthRoutesOptions {
  accounts: Accounts;
  players: Pick<Players, 'has'>;
  jwtSecret: string;
  authRateMax: number;
  loginFailuresMax: number;
}

/** Who the bearer of a token is. @throws when the token is missing, forged or expired [AC3] */
export async function identify(token: string | undefined): Promise<Identity> {
  if (!token) throw new Refusal('UNAUTHENTICATED');
  const claims = Claims.parse(await JWT.verify(token));
  return { playerId: claims.playerId, anonymous: claims.anonymous, ...(claims.email !== undefined && { email: claims.email }) };
}

/**
 * Sign-in, sign-up and upgrade at `/auth`: @colyseus/auth's own routes with our storage. [AC1] [AC2]
 *
 * The upgrading player is taken from the request's verified token alone: the library hands over the body's `options` as
 * they came, so an `upgradingToken` in it is whatever a client wrote.
 */
export function authRoutes({ accounts, players, jwtSecret, authRateMax, loginFailuresMax }: AuthRoutesOptions): Router {
  // As a key, and not as text, which the library would try to read as a public key each time.
  JWT.settings.secret = createSecretKey(Buffer.from(jwtSecret));
  const upgrading = new AsyncLocalStorage<PlayerId | undefined>();

  const findUser = async (email: string) => {
    const account = await asMessage(accounts.findByEmail(email));
    return account && { id: account.playerId, playerId: account.playerId, name: account.name, email: account.login, anonymous: false, password: account.passwordHash };
  };
  const library = endpoints({
    oauth: false,
    settings: {
      onFindUserByEmail: findUser,
      onRegisterAnonymously: async (options: unknown) => {
        const identity = await asMessage(accounts.registerAnonymous(options));
        return { id: identity.playerId, ...identity };
      },
      onRegisterWithEmailAndPassword: (email, passwordHash, options: unknown) => asMessage(accounts.register(email, passwordHash, options, upgrading.getStore())),
      onGenerateToken: async (user: unknown) => await JWT.sign(Claims.parse(user), { expiresIn: TOKEN_LIFETIME }),
      onParseToken: async (claims) => {
        const { playerId, anonymous, email } = Claims.parse(claims);
        if (!(await asMessage(players.has(playerId)))) throw new Error('UNAUTHENTICATED');
        return { id: playerId, playerId, anonymous, email };
      },
    },
    prefix: auth.prefix,
  });
  const router = createRouter(Object.fromEntries(Object.entries(library).filter(([name]) => ROUTES.includes(name))));

  // An address that a header names is not believed, on purpose; the library would warn of it.
  const validate = { xForwardedForHeader: false, forwardedHeader: false };
  const limited = rateLimit({
    windowMs: MINUTE_MS,
    limit: authRateMax,
    validate,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, response) => sendRefusal(response, new Refusal('RATE_LIMITED')),
  });
  const slowGuessing = rateLimit({
    windowMs: MINUTE_MS,
    limit: loginFailuresMax,
    validate,
    skipSuccessfulRequests: true,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => `${ipKeyGenerator(request.ip ?? '')}|${String((request.body as { email?: unknown } | undefined)?.email).toLowerCase()}`,
    handler: (_request, response) => sendRefusal(response, new Refusal('RATE_LIMITED')),
  });

  const handle = toNodeHandler(router.handler);
  const routes = express.Router();
  routes.use(limited, jsonBody(BODY_BYTES_MAX));
  routes.post('/login', slowGuessing);
  routes.use(async (request, response, next) => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    let player: PlayerId | undefined;
    try {
      if (request.path === '/register' && bearer) player = (await identify(bearer)).playerId;
    } catch {
      return next(new Refusal('UNAUTHENTICATED'));
    }
    await upgrading.run(player, () => handle(request, response));
  });
  return routes;
}

/** @colyseus/auth answers with an error's message, so a refusal gives its reason there, and nothing else gives any. */
async function asMessage<Answer>(work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refusal) throw new Error(String(error.details['reason'] ?? error.code), { cause: error });
    throw new Error('internal', { cause: error });
  }
}
