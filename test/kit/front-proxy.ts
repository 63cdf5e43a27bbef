import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A reverse proxy as docs/nginx.conf describes one: requests to any process in turn, `/port/…` to the one on that port. */
export interface FrontProxy {
  port: number;
  url: string;
  /** Of the connections that were upgraded, the ports that they went to. */
  upgraded: number[];
  close(): Promise<void>;
}

/** @param ports of the processes; read at every request, so that they can be started after this */
export async function openFrontProxy(ports: readonly number[]): Promise<FrontProxy> {
  const sockets = new Set<Socket>();
  const upgraded: number[] = [];
  const turns = new Map<string, number>();
  const server: Server = createServer((asked, answer) => {
    const headers = { ...asked.headers, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http' };
    // In turn for each kind, or else two requests a player would send every player's join to the same one.
    const kind = asked.url?.split('/')[1] ?? '';
    const turn = turns.get(kind) ?? 0;
    turns.set(kind, turn + 1);
    const passed = request({ port: ports[turn % ports.length], method: asked.method, path: asked.url, headers }, (said) => {
      answer.writeHead(said.statusCode ?? 502, said.headers);
      said.pipe(answer);
    });
    passed.on('error', () => answer.writeHead(502).end());
    asked.pipe(passed);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', ({ url = '', rawHeaders }: IncomingMessage, near: Socket) => {
    const port = Number(/^\/(\d+)\//.exec(url)?.[1]);
    if (!ports.includes(port)) return void near.destroy();
    upgraded.push(port);
    const far = connect(port, '127.0.0.1', () => {
      const headers = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
      far.write(`GET ${url} HTTP/1.1\r\n${headers}\r\n`);
      near.pipe(far).pipe(near);
    });
    for (const [one, other] of [[near, far], [far, near]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    upgraded,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
