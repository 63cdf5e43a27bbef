import { monitor } from '@colyseus/monitor';
import { playground } from '@colyseus/playground';
import express, { type Router } from 'express';

/** Colyseus's own pages, behind the admin's password: either can call any room. The playground never in production. [SV5] */
export function operatorRoutes({ production }: { production: boolean }): Router {
  const routes = express.Router();
  routes.use('/monitor', monitor());
  if (!production) routes.use('/playground', playground());
  return routes;
}
