import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestServer } from './server.ts';

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

export const secretsOf = ({ dataDir }: Pick<TestServer, 'dataDir'>) => JSON.parse(readFileSync(path.join(dataDir, 'secrets.json'), 'utf8')) as { jwtSecret: string; serviceKey: string; adminPassword: string };

export function signToken(claims: object, secret: string, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** What a token of a player could be mistaken for, by what is wrong with it. None lets anybody in. */
export function forgeries(victim: { id: string; token: string }, { jwtSecret, serviceKey, adminPassword }: ReturnType<typeof secretsOf>): Record<string, string> {
  const claims = { playerId: victim.id, anonymous: true, iat: now(), exp: now() + 600 };
  const [head = '', body = '', signature = ''] = victim.token.split('.');
  return {
    none: '',
    garbage: 'garbage',
    'three dots': '...',
    'another key': signToken(claims, 'another key, as long as a real one is'),
    'an empty key': signToken(claims, ''),
    'the service key as the key': signToken(claims, serviceKey),
    'the admin password as the key': signToken(claims, adminPassword),
    expired: signToken({ ...claims, iat: now() - 7200, exp: now() - 3600 }, jwtSecret),
    'not yet in time': signToken({ ...claims, nbf: now() + 3600 }, jwtSecret),
    'alg none': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.`,
    'alg None': `${encode({ alg: 'None', typ: 'JWT' })}.${body}.`,
    'alg none with the signature left': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
    'alg RS256 with our secret as the key': signToken(claims, jwtSecret, { alg: 'RS256', typ: 'JWT' }),
    'a key of its own in the header': signToken(claims, 'own', { alg: 'HS256', typ: 'JWT', jwk: { kty: 'oct', k: Buffer.from('own').toString('base64url') } }),
    'other claims under a good signature': `${head}.${encode({ ...claims, playerId: randomUUID() })}.${signature}`,
    'no signature': `${head}.${body}.`,
    truncated: victim.token.slice(0, -1),
    'cut to its claims': `${head}.${body}`,
    'no player': signToken({ anonymous: true, exp: now() + 600 }, jwtSecret),
    'a player that is no id': signToken({ ...claims, playerId: 'everybody' }, jwtSecret),
  };
}
