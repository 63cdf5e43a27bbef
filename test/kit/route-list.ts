import { createRequire } from 'node:module';
import path from 'node:path';
import type { Server } from '@colyseus/core';
import type { Express, Router } from 'express';
import type { createApp } from '../../server/app.ts';
import type { loadConfig } from '../../server/config/index.ts';

/** A process of its own: says which routes and rooms the app in a folder has, as JSON, without a database and without listening. */
const root = process.argv[2] ?? '';
const load = async <Module>(file: string): Promise<Module> => (await import(path.join(root, file))) as Module;

interface Endpoint {
  path?: string;
  options?: { method: string | string[] };
}
type Handler = ((...asked: unknown[]) => unknown) & { stack?: { route?: { path: string | string[]; methods: Record<string, boolean> } }[] };

/** Express forgets under which path a router is mounted, so it is written down while that happens. */
const mounts = new Map<unknown, { at: string; handler: Handler }[]>();
const express = createRequire(path.join(root, 'server/app.ts'))('express') as { (): Express; Router: { prototype: Router } };
const { prototype } = express.Router;
const use = prototype.use as (...mounted: unknown[]) => Router;
prototype.use = function (this: Router, ...mounted: unknown[]) {
  const [first] = mounted;
  const paths = typeof first === 'string' ? [first] : Array.isArray(first) && typeof first[0] === 'string' ? (first as string[]) : undefined;
  const handlers = (paths ? mounted.slice(1) : mounted).flat(Infinity) as Handler[];
  mounts.set(this, [...(mounts.get(this) ?? []), ...(paths ?? ['']).flatMap((at) => handlers.map((handler) => ({ at: at === '/' ? '' : at, handler })))]);
  return use.apply(this, mounted);
} as typeof prototype.use;

/** Stands for whatever a route would ask if it were asked. */
const nothing: unknown = new Proxy(() => undefined, { get: (_target, name) => (name === Symbol.toPrimitive ? () => '' : nothing), apply: () => nothing });

const methodsOf = ({ options }: Endpoint) => [options?.method ?? []].flat();
const endpointsOf = (of: object) => Object.values(of).filter((value): value is Required<Endpoint> => typeof value === 'function' && typeof (value as Endpoint).path === 'string');

function routesOf(router: unknown, prefix: string): string[] {
  const own = ((router as Handler).stack ?? []).flatMap(({ route }) => (route ? [route.path].flat().flatMap((at) => Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${prefix}${at === '/' ? '' : at}`)) : []));
  const mounted = (mounts.get(router) ?? []).flatMap(({ at, handler }) => {
    const endpoints = endpointsOf(handler);
    if (endpoints.length > 0) return endpoints.flatMap((endpoint) => methodsOf(endpoint).map((method) => `${method} ${prefix}${at}${endpoint.path.replace(prefix + at, '')}`));
    if (handler.stack !== undefined) return routesOf(handler, prefix + at);
    return [`USE ${prefix}${at} ${handler.name || 'unnamed'}`];
  });
  return [...own, ...mounted];
}

const { createApp: create } = await load<{ createApp: typeof createApp }>('server/app.ts');
const { loadConfig: configure } = await load<{ loadConfig: typeof loadConfig }>('server/config/index.ts');
const secret = 'a secret of enough characters';
const options = { storage: nothing, catalog: nothing, features: nothing, backplane: { opsSamples: nothing }, metrics: nothing, log: nothing, onFault: () => undefined, config: configure({ NODE_ENV: process.argv[3], JWT_SECRET: secret, SERVICE_KEY: secret, ADMIN_PASSWORD: secret }) };
const server = create(options as unknown as Parameters<typeof create>[0]) as Server & { '~rooms': object };
await server.serverless();
const app = server.transport.getExpressApp?.() as Express;
process.stdout.write(
  JSON.stringify({
    rooms: Object.keys(server['~rooms']),
    routes: [...endpointsOf((server.router as { endpoints: object }).endpoints).flatMap((endpoint) => methodsOf(endpoint).map((method) => `${method} ${endpoint.path}`)), ...routesOf(app.router, '')].toSorted(),
  }),
  () => process.exit(0),
);
