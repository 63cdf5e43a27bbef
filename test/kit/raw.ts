import { connect } from 'node:net';

/** Below the SDK: requests, seats and sockets as bytes, for what no SDK sends. */
export interface Reply {
  status: number;
  text: string;
  body: Record<string, unknown>;
}

/** A POST with any body; a string is sent as it is. The body of an answer that is no JSON is empty. */
export async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return await readReply(response);
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Reply> {
  return await readReply(await fetch(url, { headers, redirect: 'manual' }));
}

async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // A page or an empty answer.
  }
  return { status: response.status, text, body };
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export interface ReservedSeat {
  roomId: string;
  sessionId: string;
  processId: string;
}

/** A seat by `POST /matchmake`, as the SDK asks for it; throws with the reply when it is refused. */
export async function reserveSeat(url: string, token: string, room: string, options: unknown = {}, method = 'joinOrCreate'): Promise<ReservedSeat> {
  const { status, body, text } = await post(`${url}/matchmake/${method}/${room}`, options, bearer(token));
  if (status !== 200) throw new Error(`no seat: ${status} ${text}`);
  return body as unknown as ReservedSeat;
}

/** The frames' first bytes, by the framework's protocol. */
export const FRAME = { JOIN: 10, ERROR: 11, LEAVE: 12, DATA: 13, DATA_BYTES: 17, PING: 18, INPUT: 19, REQUEST: 21, RESPONSE: 22 } as const;

/** A WebSocket that keeps what it received. */
export class RawSocket {
  readonly frames: Buffer[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #arrived: () => void = () => undefined;

  constructor(url: string) {
    this.#socket = new WebSocket(url.replace(/^http/, 'ws'));
    this.#socket.binaryType = 'arraybuffer';
    this.opened = new Promise((resolve) => this.#socket.addEventListener('open', () => resolve()));
    this.closed = new Promise((resolve) => this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
    this.#socket.addEventListener('error', () => undefined);
    this.#socket.addEventListener('message', ({ data }) => {
      this.frames.push(Buffer.from(data as ArrayBuffer));
      this.#arrived();
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(frame: Uint8Array | readonly number[]): void {
    if (this.isOpen) this.#socket.send(Uint8Array.from(frame));
  }

  close(): void {
    this.#socket.close();
  }

  /** The first frame with that first byte, from now or before; undefined when the socket closes without one. */
  async frame(code: number): Promise<Buffer | undefined> {
    for (;;) {
      const found = this.frames.find((frame) => frame[0] === code);
      if (found !== undefined) return found;
      const arrived = new Promise<true>((resolve) => {
        this.#arrived = () => resolve(true);
      });
      const more = await Promise.race([arrived, this.closed.then(() => false)]);
      if (!more) return this.frames.find((frame) => frame[0] === code);
    }
  }
}

export const seatUrl = (url: string, { processId, roomId, sessionId }: ReservedSeat) => `${url}/${processId}/${roomId}?sessionId=${sessionId}`;

/** A socket on a seat, with the join acknowledged unless told otherwise. */
export async function sit(url: string, seat: ReservedSeat, acknowledge = true): Promise<RawSocket> {
  const socket = new RawSocket(seatUrl(url, seat));
  await socket.frame(FRAME.JOIN);
  if (acknowledge) socket.send([FRAME.JOIN]);
  return socket;
}

/** Bytes to the port as they are, and what comes back until the server closes or `waitMs` pass. */
export async function exchange(port: number, bytes: string | Uint8Array, waitMs = 300): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setTimeout(waitMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

/** One request, with exactly these headers and this target: what no client's library sends. */
export async function ask(port: number, target: string, { method = 'GET', headers = {}, body = '', waitMs = 2_000 }: { method?: string; headers?: Record<string, string>; body?: string; waitMs?: number } = {}): Promise<{ status: number; text: string }> {
  const all = { host: `127.0.0.1:${port}`, connection: 'close', ...(body && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }), ...headers };
  const text = await exchange(port, `${method} ${target} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`, waitMs);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}
