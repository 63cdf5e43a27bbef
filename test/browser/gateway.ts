import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Gateway {
  url: string;
  /** Sends new connections to another process, as a load balancer does after a restart. */
  pointTo(port: number): void;
  /** Nothing goes through the connections that are open now, and nobody is told. */
  freeze(): void;
  /** Answers are lost: on the connections that are open now, the server hears everything and nobody hears it. */
  mute(): void;
  /** Breaks every connection that is open now, without a goodbye. */
  cut(): void;
  close(): Promise<void>;
}

/** An address that stays while the server behind it is killed and started again. */
export async function openGateway(port: number): Promise<Gateway> {
  let target = port;
  const sockets = new Set<Socket>();
  const servers = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    servers.add(far);
    far.on('close', () => servers.delete(far));
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pointTo(next) {
      target = next;
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    mute() {
      for (const socket of servers) socket.unpipe().resume();
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
