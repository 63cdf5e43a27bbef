import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';

const CONNECT_MAX_MS = 5_000;
/** A command that Redis has not answered by then counts as failed: its caller goes on without Redis, or refuses. */
const COMMAND_MAX_MS = 2_000;
const RECONNECT_MAX_MS = 500;

/** Redis cannot be used. The message is one line that says what to do. */
export class RedisError extends Error {
  override name = 'RedisError';
  /** Redis answered, and will not have us. */
  readonly isRefusal: boolean;

  constructor(message: string, { isRefusal = false, ...options }: ErrorOptions & { isRefusal?: boolean } = {}) {
    super(message, options);
    this.isRefusal = isRefusal;
  }
}

/** The connections of one process to one Redis: commands share one, and what is listened to needs another. */
export interface RedisLink {
  readonly commands: Redis;
  readonly subscriber: Redis;
  /** Both connections are up. */
  isUp(): boolean;
  close(): Promise<void>;
}

/**
 * Nothing waits in a queue for a Redis that is away: a command fails at once then, so what is queued is bounded by what is
 * under way. Connections come back by themselves.
 */
const OPTIONS: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: COMMAND_MAX_MS,
  connectTimeout: CONNECT_MAX_MS,
  enableAutoPipelining: true,
  // One for many already, which need not wait for the answers to what was sent before.
  autoPipeliningIgnoredCommands: ['askSets', 'addScores'],
  lazyConnect: true,
  retryStrategy: (times) => Math.min(25 * 2 ** times, RECONNECT_MAX_MS),
};

/**
 * Connects to a Redis; TLS by `rediss://`, user and password by the URL.
 * @param onFault hears of what goes wrong with a connection that was up; it comes back by itself
 * @throws {RedisError} when it does not answer, or refuses us
 */
export async function openRedis(url: string, { onFault, setting = 'REDIS_URL' }: { onFault: (error: Error) => void; setting?: string }): Promise<RedisLink> {
  const commands = new Redis(url, OPTIONS);
  // A ready check is a command, and a connection that listens may not give any. Who listens subscribes again by himself: the
  // library would leave a rejection unhandled.
  const subscriber = new Redis(url, { ...OPTIONS, enableReadyCheck: false, autoResubscribe: false });
  const connections = [commands, subscriber];
  let isOpen = false;
  let cause: Error | undefined;
  for (const connection of connections) {
    connection.on('error', (error: Error) => {
      if (isOpen) onFault(error);
      else cause ??= error;
    });
  }
  try {
    await Promise.all(connections.map((connection) => connection.connect()));
    await commands.ping();
  } catch (error) {
    for (const connection of connections) connection.disconnect();
    throw explained(cause ?? (error as Error), setting);
  }
  isOpen = true;
  return {
    commands,
    subscriber,
    isUp: () => connections.every(({ status }) => status === 'ready'),
    async close() {
      await Promise.all(connections.map(closed));
    },
  };
}

/** One connection for commands to a Redis that the game can do without: it may be away also now, and comes back by itself. */
export interface RedisLane {
  readonly commands: Redis;
  close(): Promise<void>;
}

/**
 * @param onFault hears of what goes wrong with the connection
 * @throws {RedisError} when Redis refuses us: a setting is wrong
 */
export async function openRedisLane(url: string, { onFault, setting }: { onFault: (error: Error) => void; setting: string }): Promise<RedisLane> {
  const commands = new Redis(url, OPTIONS);
  let cause: Error | undefined;
  commands.on('error', (error: Error) => {
    cause = error;
    onFault(error);
  });
  const close = () => closed(commands);
  try {
    await commands.connect();
    await commands.ping();
  } catch (error) {
    const why = explained(cause ?? (error as Error), setting);
    if (why.isRefusal) {
      await close();
      throw why;
    }
  }
  return { commands, close };
}

async function closed(connection: Redis): Promise<void> {
  // Between two attempts there is no socket, and nothing more is said.
  const ended = ['end', 'close', 'reconnecting'].includes(connection.status) ? undefined : once(connection, 'end');
  connection.disconnect();
  await ended;
}

function explained(error: Error, setting: string): RedisError {
  const code = (error as NodeJS.ErrnoException).code ?? error.message.split(' ')[0] ?? '';
  const isRefusal = /NOAUTH|WRONGPASS|invalid password/i.test(error.message);
  const message = isRefusal
    ? `${setting} is refused by Redis (${code}): correct its user and password, as in redis://user:password@host:6379.`
    : `${setting} does not answer (${code}): start Redis there, or correct the URL.`;
  return new RedisError(message, { cause: error, isRefusal });
}
