import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Free at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether nobody listens there at this moment, on loopback. */
export async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  const outcome = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (outcome) await new Promise((resolve) => probe.close(resolve));
  return outcome;
}
