import { RedisPresence } from '@colyseus/redis-presence';
import type { Redis } from 'ioredis';
import { RoomRequests } from './room-requests.ts';

type Callback = (...args: unknown[]) => void;

/** What the framework hears when its own time for an answer is over, and by which it looks whether a process lives. */
const NO_ANSWER = [1, 'ipc_timeout'];

/**
 * How the processes' matchmakers talk with each other, over connections that fail at once while Redis is away.
 *
 * The framework leaves most of what writes or subscribes un-awaited, or calls it where a rejection is lost and its caller
 * waits for ever. These methods report and resolve to what lets it go on: a request to another process then times out, and
 * a join that is alone tries by itself. What reads rejects.
 *
 * A room is given an object made from this one (`Object.create`), on which private fields are not there: none here is.
 * @see docs/SPEC.md RD6, RD7, RD9
 */
export class RoomPresence extends RedisPresence {
  protected readonly commands: Redis;
  /** A connection of its own: one that listens may not give commands. */
  protected readonly subscriber: Redis;
  protected readonly onFault: (error: Error) => void;
  protected readonly requests: RoomRequests;

  private constructor(commands: Redis, onFault: (error: Error) => void) {
    const heard = commands.listeners('error');
    super(commands);
    this.commands = commands;
    this.subscriber = this.sub as Redis;
    this.onFault = onFault;
    this.requests = new RoomRequests(commands, { giveUp: (reply) => this.subscriptions.emit(reply, NO_ANSWER), onFault });
    // Whoever opened the commands' connection reports what goes wrong with it; the framework would log it once more.
    for (const listener of commands.listeners('error')) if (!heard.includes(listener)) commands.off('error', listener as () => void);
    this.subscriber.removeAllListeners('error').on('error', onFault);
    // The library would subscribe again by itself and leave a rejection unhandled; resubscribeAll does it from what is meant.
    this.subscriber.options.autoResubscribe = false;
  }

  /**
   * @param commands stays the caller's: `shutdown` leaves it open. What is listened to gets another with the same options
   * @throws when that cannot be opened
   */
  static async open(commands: Redis, { onFault }: { onFault: (error: Error) => void }): Promise<RoomPresence> {
    const presence = new RoomPresence(commands, onFault);
    await presence.subscriber.connect();
    return presence;
  }

  /** Both connections are up. */
  isUp(): boolean {
    return this.commands.status === 'ready' && this.subscriber.status === 'ready';
  }

  /** What is meant to be listened to stays so: it is subscribed to when the connection is back. */
  override async subscribe(topic: string, callback: Callback): Promise<this> {
    return (await this.reported(() => super.subscribe(topic, callback))) ?? this;
  }

  override async unsubscribe(topic: string, callback?: Callback): Promise<this> {
    this.requests.over(topic);
    return (await this.reported(() => super.unsubscribe(topic, callback))) ?? this;
  }

  override async publish(topic: string, data: unknown): Promise<void> {
    const reply = RoomRequests.replyTopic(topic, data);
    await this.reported(() => (reply === undefined ? super.publish(topic, data) : this.requests.send(reply, topic, data)));
  }

  override async set(key: string, value: string): Promise<unknown> {
    return await this.reported(() => this.commands.set(key, value));
  }

  override async setex(key: string, value: string, seconds: number): Promise<unknown> {
    return await this.reported(() => this.commands.setex(key, seconds, value));
  }

  override async expire(key: string, seconds: number): Promise<unknown> {
    return await this.reported(() => this.commands.expire(key, seconds));
  }

  override async del(key: string): Promise<unknown> {
    return await this.reported(() => this.commands.del(key));
  }

  override async sadd(key: string, value: string | number): Promise<unknown> {
    return await this.reported(() => this.commands.sadd(key, value));
  }

  override async srem(key: string, value: string | number): Promise<number> {
    return (await this.reported(() => this.commands.srem(key, value))) ?? 0;
  }

  override async hset(key: string, field: string, value: string): Promise<boolean> {
    return (await this.reported(() => super.hset(key, field, value))) ?? false;
  }

  override async hdel(key: string, field: string): Promise<boolean> {
    return (await this.reported(() => super.hdel(key, field))) ?? false;
  }

  override async hincrby(key: string, field: string, value: number): Promise<number> {
    return (await this.reported(() => this.commands.hincrby(key, field, value))) ?? 1;
  }

  /** Counts who joins at the same time; without Redis one is alone, and the join itself fails. */
  override async hincrbyex(key: string, field: string, value: number, seconds: number): Promise<number> {
    const results = await this.reported(() => this.commands.multi().hincrby(key, field, value).expire(key, seconds).exec());
    return (results?.[0]?.[1] as number | null | undefined) ?? 1;
  }

  override shutdown(): void {
    this.requests.stop();
    this.subscriber.removeAllListeners('error').on('error', () => undefined).disconnect();
  }

  /** A connection that cannot be told what to listen to is no use: the next one is tried. */
  protected override resubscribeAll(): void {
    const topics = this.subscriptions.eventNames().filter((topic) => typeof topic === 'string');
    if (topics.length === 0) return;
    this.subscriber.subscribe(...topics).catch((error: Error) => {
      this.onFault(error);
      if (this.subscriber.status === 'ready') this.subscriber.disconnect(true);
    });
  }

  protected async reported<Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await work();
    } catch (error) {
      this.onFault(error as Error);
      return undefined;
    }
  }
}
