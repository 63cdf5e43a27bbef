import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { FRAME } from './raw.ts';

/**
 * What becomes of a client's requests: each goes out twice; neighbours change places; or all of them go out again after a
 * reconnection, the latest first. Whatever else a client sends passes as it is.
 */
export type Tampering = 'twice' | 'swapped' | 'replayed';

/** So long a frame waits for a neighbour to change places with. */
const NEIGHBOUR_WAIT_MS = 30;
const HEAD_END = '\r\n\r\n';

export interface FrameProxy {
  url: string;
  /** What was said on each seat, for a proxy on which one of them goes on. */
  seats: ReadonlyMap<string, Seat>;
  /** Whether each request with a command id was answered so many times. */
  allAnswered(times: number): boolean;
  /** The requests with a command id that had different answers, as far as they are text. */
  answeredDifferently(): string[];
  /** Breaks every connection that is open now, without a goodbye. */
  cut(): void;
  close(): Promise<void>;
}

/** One seat in one room, over all of its connections: what was said, and what was answered. */
interface Seat {
  said: Frame[];
  asked: Map<number, Buffer>;
  answers: Map<number, Buffer[]>;
}

/**
 * Between a client and the server of this port, at the level of WebSocket frames, which it sends on byte for byte.
 * @param after another one with a single seat: whoever sits down here says what was said there again, to this server
 */
export async function openFrameProxy(port: number, tampering: Tampering, after?: FrameProxy): Promise<FrameProxy> {
  const seats = new Map<string, Seat>(after?.seats);
  const [continued] = seats.keys();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => forward(port, request, response));
  server.on('upgrade', (request: IncomingMessage, near: Socket, head: Buffer) => {
    const far = connect(port, '127.0.0.1');
    join(near, far, sockets);
    far.write(`${request.method} ${request.url} HTTP/1.1\r\n${pairs(request.rawHeaders).map((pair) => pair.join(': ')).join('\r\n')}${HEAD_END}`);
    const seat = seatOf(seats, continued ?? new URL(request.url ?? '', 'http://proxy').searchParams.get('sessionId') ?? '');
    const { say, heard } = tamper(tampering, seat, (frame) => far.write(frame.bytes));
    const reader = new FrameReader();
    const take = (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) say(frame);
    };
    take(head);
    near.on('data', take);
    listen(far, near, (answer) => {
      seat.answers.set(idOf(answer), [...(seat.answers.get(idOf(answer)) ?? []), answer.payload]);
      heard();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const requests = () => [...seats.values()].flatMap(({ asked, answers }) => [...asked].map(([id, request]) => ({ request, answers: answers.get(id) ?? [] })));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seats,
    allAnswered: (times) => requests().length > 0 && requests().every(({ answers }) => answers.length === times),
    answeredDifferently: () => requests().filter(({ answers: [first, ...others] }) => !others.every((other) => first?.equals(other))).map(({ request, answers }) => [request, ...answers].map(legible).join(' | ')),
    cut,
    async close() {
      cut();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @returns what takes a client's frames, and what must be told of every answer: out of its place a request goes out after one */
function tamper(tampering: Tampering, seat: Seat, send: (frame: Frame) => void): { say(frame: Frame): void; heard(): void } {
  const earlier = seat.said.toReversed();
  const afterwards: Frame[] = [];
  let held: Frame | undefined;
  const heard = () => {
    for (const next of afterwards.splice(0, 1)) send(next);
  };
  function say(frame: Frame): void {
    const code = frame.payload[0];
    if (code !== FRAME.REQUEST) {
      send(frame);
      if (code !== FRAME.JOIN || tampering !== 'replayed') return;
      afterwards.push(...earlier.splice(0));
      return heard();
    }
    seat.said.push(frame);
    if (frame.payload.includes('commandId')) seat.asked.set(idOf(frame), frame.payload);
    if (tampering === 'swapped' && held === undefined) {
      held = frame;
      setTimeout(() => {
        if (held !== frame) return;
        held = undefined;
        send(frame);
      }, NEIGHBOUR_WAIT_MS);
      return;
    }
    send(frame);
    if (tampering === 'twice') send(frame);
    if (held !== undefined) afterwards.push(held);
    held = undefined;
  }
  return { say, heard };
}

/** Passes on what the server says, and tells of what it answers. */
function listen(far: Socket, near: Socket, onAnswer: (frame: Frame) => void): void {
  const reader = new FrameReader();
  let head: Buffer | undefined = Buffer.alloc(0);
  far.on('data', (chunk: Buffer) => {
    near.write(chunk);
    let frames = chunk;
    if (head !== undefined) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      frames = head.subarray(end + HEAD_END.length);
      head = undefined;
    }
    for (const frame of reader.read(frames)) if (frame.payload[0] === FRAME.RESPONSE) onAnswer(frame);
  });
}

/** Requests are numbered from one connection's first; the few of a test have one byte each. */
function idOf({ payload }: Frame): number {
  const id = payload[1] ?? 0xff;
  if (id > 0x7f) throw new RangeError('a request number of more than one byte');
  return id;
}

interface Frame {
  bytes: Buffer;
  payload: Buffer;
}

/** Cuts a stream into frames; what has not arrived as a whole waits. @see RFC 6455, 5.2 */
class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Frame> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let frame = firstFrame(this.#rest); frame !== undefined; frame = firstFrame(this.#rest)) {
      this.#rest = this.#rest.subarray(frame.bytes.length);
      yield frame;
    }
  }
}

function firstFrame(buffer: Buffer): Frame | undefined {
  if (buffer.length < 2) return undefined;
  const [masked, short] = [buffer.readUInt8(1) >= 0x80, buffer.readUInt8(1) % 0x80];
  const maskAt = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  const from = maskAt + (masked ? 4 : 0);
  if (buffer.length < from) return undefined;
  const to = from + (short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short);
  if (buffer.length < to) return undefined;
  const payload = Buffer.from(buffer.subarray(from, to));
  if (masked) for (const [at, byte] of payload.entries()) payload[at] = byte ^ buffer.readUInt8(maskAt + (at % 4));
  return { bytes: buffer.subarray(0, to), payload };
}

function forward(port: number, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  const onward = ask({ port, host: '127.0.0.1', method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

/** Ends either when the other ends. */
function join(near: Socket, far: Socket, sockets: Set<Socket>): void {
  for (const [socket, other] of [[near, far], [far, near]] as const) {
    sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }
}

function seatOf(seats: Map<string, Seat>, sessionId: string): Seat {
  const seat = seats.get(sessionId) ?? { said: [], asked: new Map(), answers: new Map() };
  seats.set(sessionId, seat);
  return seat;
}

function pairs(list: readonly string[]): string[][] {
  return Array.from({ length: list.length / 2 }, (_, at) => list.slice(2 * at, 2 * at + 2));
}

const legible = (bytes: Buffer) => bytes.toString('latin1').replaceAll(/[^ -~]+/g, ' ');
