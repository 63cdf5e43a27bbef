import { randomUUID } from 'node:crypto';
import { Server, ServerResponse, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Refusal, REFUSALS, type RefusalReply } from '../../schema/refusals.ts';
import { gamesCors, isForOperators } from './cross-origin.ts';
import { isDraining } from './matchmaking.ts';
import { securityHeaders } from './security-headers.ts';

/** The largest body outside `/service`, whose routes have their own limit: sign-ins and room options. */
const BODY_BYTES_MAX = 16 * 1024;

/** Who does not finish is closed: headers, a whole request, and an answer that is not read. How often that is looked after. [SC6] */
const WAITS_MS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 2_000 };
const UNREAD_MAX_MS = 60_000;

const MATCHMAKING = /^\/+matchmake\//;
const METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);
const HOST = /^[\w.-]+(?::\d{1,5})?$|^\[[\da-f:.]+\](?::\d{1,5})?$/i;

/** Answers a request, or has the framework do so by `pass`, later as well. @returns whether it does */
type AnswerFirst = (request: IncomingMessage, response: ServerResponse, pass: () => void) => boolean;

/**
 * The HTTP server, letting in only what the framework behind it can read. [RM3]
 *
 * The framework parses targets and hosts as URLs in promises that nobody awaits, where an address that is none ends the
 * process, and reads bodies of any length and media type into memory. What it could not read is refused here.
 */
export class FrontDoor extends Server {
  readonly #answerFirst: AnswerFirst;

  /** @param answerFirst what needs no framework */
  constructor(answerFirst: AnswerFirst = () => false) {
    super(WAITS_MS);
    this.timeout = UNREAD_MAX_MS;
    this.#answerFirst = answerFirst;
  }

  override emit(event: string, ...about: unknown[]): boolean {
    if (event !== 'request' && event !== 'upgrade') return super.emit(event, ...about);
    const [request, way] = about as [IncomingMessage, ServerResponse | Duplex];
    trustScheme(request);
    if (way instanceof ServerResponse) for (const [name, value] of Object.entries(securityHeaders(request.url))) way.setHeader(name, value);
    // Its audits, and exports of much, take as long as they take before the first byte.
    if (request.url?.startsWith('/service/')) request.socket.setTimeout(0);
    const fault = faultOf(request);
    if (fault !== undefined) refuse(way, new Refusal('BAD_REQUEST', { reason: fault }), request);
    // The framework would answer 503 without a word.
    else if (isDraining() && request.method === 'POST' && MATCHMAKING.test(request.url ?? '')) refuse(way, new Refusal('BUSY', { reason: 'this process ends' }), request);
    else {
      const pass = () => super.emit(event, ...about);
      return (way instanceof ServerResponse && this.#answerFirst(request, way, pass)) || pass();
    }
    return true;
  }
}

function faultOf({ url = '', method, headers }: IncomingMessage): string | undefined {
  if (!METHODS.has(method) && !(method === 'DELETE' && url.startsWith('/service/'))) return 'no route has that method';
  if (!url.startsWith('/') || !isPlainPath(url)) return 'the target is no path';
  // The framework would let any page ask for anything; and another page's browser would send the password along.
  if (method === 'OPTIONS' && isForOperators(url)) return 'no other page may ask';
  // An empty host is allowed by HTTP/1.0 and by probes; the framework reads it as a name.
  if (headers.host !== undefined && !(HOST.test(headers.host) && URL.canParse(`http://${headers.host}`))) return 'the host is no address';
  if (url.startsWith('/service/') || method === 'GET' || method === 'HEAD') return undefined;
  if (headers['transfer-encoding'] !== undefined) return 'the length of the body is not announced';
  const length = Number(headers['content-length'] ?? 0);
  if (length > BODY_BYTES_MAX) return `the body is longer than ${BODY_BYTES_MAX} bytes`;
  if (length > 0 && !/^application\/json\b/i.test(headers['content-type'] ?? '')) return 'the body is not application/json';
  return undefined;
}

/**
 * Whether the path means the same to all who read it. Some of the framework resolves `..` first, and some does not, so that
 * `/auth/x/../login` passes by what is there for `/auth/login`.
 */
function isPlainPath(url: string): boolean {
  const address = `http://host${url}`;
  return URL.canParse(address) && new URL(address).pathname === url.split(/[?#]/, 1)[0];
}

/** The scheme by the nearest proxy. A list, as several proxies make it, is no scheme, and neither is what a client makes up. */
function trustScheme({ headers }: IncomingMessage): void {
  const scheme = String(headers['x-forwarded-proto'] ?? '').split(',')[0]?.trim().toLowerCase();
  if (scheme === 'http' || scheme === 'https') headers['x-forwarded-proto'] = scheme;
  else delete headers['x-forwarded-proto'];
}

function refuse(way: ServerResponse | Duplex, { code, details }: Refusal, request: IncomingMessage): void {
  const { status } = REFUSALS[code];
  // `message` is what the SDK's error says.
  const body = JSON.stringify({ code, details, ref: randomUUID(), message: code } satisfies RefusalReply & { message: string });
  // The connection is not used again: what is left of the body was not read.
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), connection: 'close', ...gamesCors(request) };
  if (way instanceof ServerResponse) {
    way.writeHead(status, headers).end(body);
    return;
  }
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...Object.entries({ ...securityHeaders(request.url), ...headers }).map(([name, value]) => `${name}: ${value}`), '', body];
  way.on('error', () => way.destroy());
  // Nobody waits for the other side to close as well.
  way.once('finish', () => way.destroy());
  way.end(lines.join('\r\n'));
}
