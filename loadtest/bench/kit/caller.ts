import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';

/** One kept connection with one request at a time. As little as HTTP needs: on a small machine a full client takes more than the server leaves. */
export class Caller {
  readonly #socket: Socket;
  #received = '';
  #wanted: { resolve: (answer: { status: number; body: string }) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', (error) => this.#wanted?.reject(error));
    socket.on('close', () => this.#wanted?.reject(new Error('the connection was closed')));
  }

  static async open(port: number): Promise<Caller> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Caller(socket.setNoDelay(true));
  }

  static get(port: number, path: string): string {
    return [`GET ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, '', ''].join('\r\n');
  }

  static request(port: number, path: string, body: string): string {
    return [`POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
  }

  ask(request: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      this.#wanted = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const body = this.#received.slice(headEnd + HEAD_END.length);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    // Without a length it comes in chunks, and the last is empty.
    if (length === undefined ? !body.endsWith(`0${HEAD_END}`) : body.length < Number(length)) return;
    this.#received = '';
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.resolve({ status: Number(head.slice(9, 12)), body });
  }
}
