import type { Server } from '@colyseus/core';
import { ConfigError } from './config/index.ts';

/**
 * Listens, or says why not: left to itself the framework waits for ever when its port is taken.
 * @throws {ConfigError} naming the setting to change
 */
export async function listen(app: Server, { port, host }: { port: number; host: string }): Promise<void> {
  const http = app.transport.server;
  await new Promise<void>((resolve, reject) => {
    http?.once('error', reject);
    app.listen(port, host).then(() => {
      http?.off('error', reject);
      resolve();
    }, reject);
  }).catch((error: unknown) => {
    throw explained(error as NodeJS.ErrnoException, port, host);
  });
}

function explained(error: NodeJS.ErrnoException, port: number, host: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(`PORT ${port} is taken by another program: stop it, or choose another PORT.`);
    case 'EACCES':
      return new ConfigError(`PORT ${port} is not open to this user: choose one above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`HOST ${host} is no address of this machine: choose one that is, or 0.0.0.0 for all.`);
    default:
      return error;
  }
}
