import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { openPool } from '../kit/pool.ts';

/**
 * A process of its own: the same work by hand. Node's HTTP alone, one statement and one commit per account in one database, and
 * a token of our own making; no limits, no checks, no framework.
 */
const TABLES = `create table if not exists player (id uuid primary key, name varchar(24) not null, region varchar(32) not null, created_at timestamptz not null default now());
  create table if not exists inventory (holder uuid primary key, version bigint not null default 0)`;
const CREATE = { name: 'bare-create', text: `with p as (insert into player (id, name, region) values ($1, $2, 'eu')) insert into inventory (holder) values ($1)` };
const CONNECTIONS = 10;
const LIFETIME_S = 30 * 24 * 3600;

const [, , port = '', url = ''] = process.argv;
const pool = openPool({ connectionString: url, max: CONNECTIONS });
await pool.query(TABLES);

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEAD = encode({ alg: 'HS256', typ: 'JWT' });
const secret = randomUUID();

function tokenOf(playerId: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const signed = `${HEAD}.${encode({ playerId, anonymous: true, iat, exp: iat + LIFETIME_S })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  request.on('end', () => {
    const name = text === '' ? '' : ((JSON.parse(text) as { options?: { name?: string } }).options?.name ?? '');
    const id = randomUUID();
    pool.query({ ...CREATE, values: [id, name] }).then(
      () => {
        const body = JSON.stringify({ user: { id, playerId: id, anonymous: true, name }, token: tokenOf(id) });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
      },
      () => response.writeHead(500).end(),
    );
  });
});
// It ends with who started it.
process.once('disconnect', () => process.exit(0));
server.listen(Number(port), '127.0.0.1');
