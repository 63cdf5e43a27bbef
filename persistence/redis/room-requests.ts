import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';

const LOOK_MS = 100;
/** A room that nobody speaks for by then is asked for no more: whether its process lives is another question. */
const ROOM_ABSENT_MS = 300;
/** A connection that broke is back by then, if its process lives. */
const PROCESS_ABSENT_MS = 1_000;
const ROOM = '$';
const PROCESS = 'p:';

export interface RoomRequestsOptions {
  /** Tells who waits for an answer that none will come. */
  giveUp: (reply: string) => void;
  /** Hears of what failed where nobody waits for it. */
  onFault: (error: Error) => void;
}

interface Waiting {
  topic: string;
  message: string;
  /** Somebody has it. */
  isHeard: boolean;
  absentSince: number | undefined;
}

/**
 * Requests of this process's matchmaker to other processes and their rooms, as long as they have no answer. A room is listed a moment
 * before it listens, so what nobody heard is said again until somebody does; and what nobody is left to answer is given up as soon
 * as Redis knows that, not when the framework's time is over. [RD9]
 */
export class RoomRequests {
  readonly #redis: Redis;
  readonly #options: RoomRequestsOptions;
  /** By the topic on which the answer is to come. */
  readonly #waiting = new Map<string, Waiting>();
  #isLooking = false;

  constructor(redis: Redis, options: RoomRequestsOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  /** Where a message is answered, if it is a request. */
  static replyTopic(topic: string, data: unknown): string | undefined {
    const isAsked = topic.startsWith(ROOM) || topic.startsWith(PROCESS);
    return isAsked && Array.isArray(data) && typeof data[1] === 'string' ? `ipc:${data[1]}` : undefined;
  }

  /** @throws when Redis does not take it */
  async send(reply: string, topic: string, data: unknown): Promise<void> {
    const waiting: Waiting = { topic, message: JSON.stringify(data), isHeard: false, absentSince: undefined };
    this.#waiting.set(reply, waiting);
    void this.#lookUntilAnswered();
    await this.#publish(waiting);
  }

  /** It was answered, or is waited for no more. */
  over(reply: string): void {
    this.#waiting.delete(reply);
  }

  stop(): void {
    this.#waiting.clear();
  }

  async #publish(waiting: Waiting): Promise<void> {
    const listeners = await this.#redis.publish(waiting.topic, waiting.message);
    waiting.isHeard ||= listeners > 0;
  }

  async #lookUntilAnswered(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#waiting.size > 0) {
      await delay(LOOK_MS, undefined, { ref: false });
      if (this.#waiting.size > 0) await this.#look();
    }
    this.#isLooking = false;
  }

  async #look(): Promise<void> {
    const { giveUp, onFault } = this.#options;
    // While Redis is away nobody is missed.
    const listeners = await this.#listeners().catch(onFault);
    const now = performance.now();
    for (const [reply, waiting] of this.#waiting) {
      const count = listeners?.get(waiting.topic);
      if (count !== 0) waiting.absentSince = undefined;
      else if (now - (waiting.absentSince ??= now) >= (waiting.topic.startsWith(PROCESS) ? PROCESS_ABSENT_MS : ROOM_ABSENT_MS)) giveUp(reply);
      // Redis may be away again: it is said at the next look then.
      if (count && !waiting.isHeard) void this.#publish(waiting).catch(onFault);
    }
  }

  async #listeners(): Promise<Map<string, number>> {
    const topics = [...new Set([...this.#waiting.values()].map(({ topic }) => topic))];
    const counts = await this.#redis.pubsub('NUMSUB', ...topics);
    return new Map(topics.map((topic, at) => [topic, Number(counts[2 * at + 1])]));
  }
}
