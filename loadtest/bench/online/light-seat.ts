import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Client } from '@colyseus/sdk';
import { pack } from 'msgpackr';

/** The framework's frames, by their first byte. */
const [JOIN_ROOM, ROOM_DATA, ROOM_STATE_PATCH] = [10, 13, 15];
/** The WebSocket's, by their opcode. */
const [BINARY, CLOSE, PING, PONG] = [2, 8, 9, 10];
const HEADERS_END = '\r\n\r\n';
/** What the sockets of this process read into, one after the other: nothing of it is kept. */
const READ_BYTES = 64 * 1024;
const reading = Buffer.alloc(READ_BYTES);

interface ReservedSeat {
  processId: string;
  roomId: string;
  sessionId: string;
}

/**
 * A seat in a room, on a socket that says what a client says and counts the patches that come, unread. A client of the SDK takes
 * for each frame what ten of these do: on one machine it would be the players who are short of CPU, and not their server.
 */
export class LightSeat {
  readonly #socket: Socket;
  /** Patches that came so far. */
  patches = 0;
  #isUpgraded = false;
  #answer = '';
  /** Of the frame that is being read: its header and the first byte, as far as they have come; then what is left of it. */
  readonly #head = Buffer.alloc(11);
  #headBytes = 0;
  #leftBytes = 0;
  #joined: () => void = () => undefined;

  private constructor(port: number, host: string) {
    this.#socket = connect({ port, host, noDelay: true, onread: { buffer: reading, callback: (bytes) => this.#read(reading.subarray(0, bytes)) } });
    this.#socket.on('error', () => this.#socket.destroy());
  }

  /** Resolves when the room has taken it in. */
  static async take(client: Client, url: string, room: string, options: object): Promise<LightSeat> {
    const { data } = await client.http.post(`/matchmake/joinOrCreate/${room}`, { body: options });
    const { processId, roomId, sessionId } = data as unknown as ReservedSeat;
    const { hostname, port } = new URL(url);
    const seat = new LightSeat(Number(port), hostname);
    const [joined, gone] = [new Promise<void>((resolve) => (seat.#joined = resolve)), new Promise<never>((_, reject) => seat.#socket.once('close', () => reject(new Error(`no seat in ${room}`))))];
    gone.catch(() => undefined); // later it is no news
    const token = client.auth.token ? `&_authToken=${client.auth.token}` : '';
    const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`];
    seat.#socket.write([`GET /${processId}/${roomId}?sessionId=${sessionId}&skipHandshake=1${token} HTTP/1.1`, `Host: ${hostname}:${port}`, ...upgrade].join('\r\n') + HEADERS_END);
    await Promise.race([joined, gone]);
    return seat;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** A message without an answer. */
  send(type: string, body: object): void {
    const name = Buffer.from(type);
    this.#write(BINARY, Buffer.concat([Buffer.from([ROOM_DATA, 0xa0 | name.length]), name, pack(body)]));
  }

  #read(chunk: Buffer): boolean {
    let at = 0;
    if (!this.#isUpgraded) {
      this.#answer += chunk.toString('latin1');
      const end = this.#answer.indexOf(HEADERS_END);
      if (end === -1) return true;
      this.#isUpgraded = true;
      at = chunk.length - (this.#answer.length - end - HEADERS_END.length);
      this.#answer = '';
    }
    while (at < chunk.length) {
      if (this.#leftBytes > 0) {
        const bytes = Math.min(this.#leftBytes, chunk.length - at);
        this.#leftBytes -= bytes;
        at += bytes;
        continue;
      }
      this.#head[this.#headBytes++] = chunk[at++] ?? 0;
      this.#begin();
    }
    return true;
  }

  /** Of a frame the header and one byte are enough. */
  #begin(): void {
    if (this.#headBytes < 2) return;
    const short = (this.#head[1] ?? 0) & 0x7f;
    const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#headBytes < headerBytes) return;
    const bytes = short === 126 ? this.#head.readUInt16BE(2) : short === 127 ? this.#head.readUInt32BE(6) : short;
    if (bytes > 0 && this.#headBytes === headerBytes) return;
    this.#headBytes = 0;
    this.#leftBytes = Math.max(0, bytes - 1);
    this.#hear((this.#head[0] ?? 0) & 0x0f, this.#head[headerBytes]);
  }

  #hear(opcode: number, first: number | undefined): void {
    if (opcode === PING) this.#write(PONG, Buffer.alloc(0));
    else if (opcode === CLOSE) this.#socket.destroy();
    else if (first === ROOM_STATE_PATCH) this.patches++;
    else if (first === JOIN_ROOM) {
      this.#write(BINARY, Buffer.from([JOIN_ROOM]));
      this.#joined();
    }
  }

  /** Short, and masked with nothing, as a mask protects proxies and there is none. */
  #write(opcode: number, body: Buffer): void {
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length, 0, 0, 0, 0]), body]));
  }
}
