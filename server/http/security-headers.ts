import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/** Nothing from elsewhere; a socket may lead to another process of ours, which has an address of its own. */
const directives = {
  'default-src': ["'self'"], 'connect-src': ["'self'", 'ws:', 'wss:'], 'font-src': ["'self'", 'data:'], 'img-src': ["'self'", 'data:'], 'style-src': ["'self'", "'unsafe-inline'"], 'upgrade-insecure-requests': null,
};
// Served over plain HTTP in development; a proxy that ends TLS adds its own.
const strictTransportSecurity = false;
const OURS = headersOf(helmet({ contentSecurityPolicy: { directives }, strictTransportSecurity }));
/** Colyseus's own pages have their scripts in them. */
const THEIRS = headersOf(helmet({ contentSecurityPolicy: false, strictTransportSecurity }));

/** On every answer: a page of ours loads nothing from elsewhere, is shown in no other page, and is what its type says. [SC1] */
export const securityHeaders = (url = ''): Readonly<Record<string, string>> => (/^\/(?:monitor|playground)(?:[/?#]|$)/i.test(url) ? THEIRS : OURS);

/** The same for each request, so asked for once. */
function headersOf(middleware: ReturnType<typeof helmet>): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = { setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value), removeHeader: () => undefined };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}
