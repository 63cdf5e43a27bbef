import { basicAuth } from '@colyseus/core';
import { monitor } from '@colyseus/monitor';
import { playground } from '@colyseus/playground';
import express, { type Router } from 'express';
import { ADMIN } from './admin-guard.ts';

/** Colyseus's own pages, behind the admin's password: either can call any room. The playground never in production. [SV5] */
export function operatorRoutes({ adminPassword, production }: { adminPassword: string; production: boolean }): Router {
  const use = [basicAuth({ users: { [ADMIN]: adminPassword }, realm: 'Strongroom' })];
  const routes = express.Router();
  routes.use('/monitor', monitor({ use }));
  if (!production) routes.use('/playground', playground({ use }));
  return routes;
}
