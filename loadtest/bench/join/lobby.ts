import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRedis, startEmbeddedRedis, type EmbeddedRedis, type RedisLink } from '../../../persistence/index.ts';
import { invariant } from '../../../schema/invariant.ts';
import { freePort } from '../kit/free-port.ts';
import { timeEach } from '../kit/measure.ts';
import type { DriverKind } from './zone-server.ts';

const START_MAX_MS = 20_000;

/** A server process with one driver, and the Redis that is its own. */
export class Lobby {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #redis: EmbeddedRedis;
  readonly #link: RedisLink;
  readonly #remove: () => void;

  private constructor(url: string, child: ChildProcess, redis: EmbeddedRedis, link: RedisLink, remove: () => void) {
    [this.#url, this.#child, this.#redis, this.#link, this.#remove] = [url, child, redis, link, remove];
  }

  static async open(driver: DriverKind): Promise<Lobby> {
    const folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'strongroom-bench-'));
    const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    process.once('exit', remove);
    const redis = await startEmbeddedRedis({ dir: folder });
    const link = await openRedis(redis.url, { onFault: (error) => console.error(error) });
    const port = await freePort();
    const child = fork(new URL('./zone-server.ts', import.meta.url), [String(port), redis.url, driver]);
    const lobby = new Lobby(`http://127.0.0.1:${port}`, child, redis, link, () => {
      process.off('exit', remove);
      remove();
    });
    try {
      await lobby.#answer();
      return lobby;
    } catch (error) {
      await lobby.close();
      throw error;
    }
  }

  /** There are so many players' rooms listed then, and the zone. */
  async list(players: number): Promise<void> {
    this.#child.send(players);
    await this.#answer();
    await this.#join();
  }

  /** How long so many joins took one after the other, in milliseconds. */
  async joins(count: number): Promise<number[]> {
    return await timeEach(Array.from({ length: count }), 1, () => this.#join());
  }

  /** What Redis has sent so far, to anyone. */
  async bytesRead(): Promise<number> {
    return Number(/total_net_output_bytes:(\d+)/.exec(await this.#link.commands.info('stats'))?.[1]);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.kill('SIGKILL')) await exited;
    await this.#link.close();
    await this.#redis.stop();
    this.#remove();
  }

  async #join(): Promise<void> {
    const response = await fetch(`${this.#url}/matchmake/joinOrCreate/zone`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"zone":"meadow"}' });
    const seat = (await response.json()) as { roomId?: string };
    invariant(response.ok && seat.roomId !== undefined, 'a seat is reserved');
  }

  async #answer(): Promise<void> {
    const signal = AbortSignal.timeout(START_MAX_MS);
    const ended = once(this.#child, 'exit', { signal }).then(() => Promise.reject(new Error('the server ended')));
    await Promise.race([once(this.#child, 'message', { signal }), ended]);
    ended.catch(() => undefined);
  }
}
