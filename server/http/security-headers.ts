import type { RequestHandler } from 'express';
import helmet from 'helmet';

const directives = { 'default-src': ["'self'"], 'connect-src': ["'self'", 'ws:', 'wss:'], 'img-src': ["'self'", 'data:'], 'upgrade-insecure-requests': null };
// Served over plain HTTP in development; a proxy that ends TLS adds its own.
const strictTransportSecurity = false;
const ours = helmet({ contentSecurityPolicy: { directives }, strictTransportSecurity });
/** Colyseus's own pages have their scripts in them. */
const theirs = helmet({ contentSecurityPolicy: false, strictTransportSecurity });

/** On every answer: a page of ours loads nothing from elsewhere, is shown in no other page, and is what its type says. [SC1] */
export const securityHeaders: RequestHandler = (request, response, next) => (/^\/(?:monitor|playground)(?:\/|$)/i.test(request.path) ? theirs : ours)(request, response, next);
