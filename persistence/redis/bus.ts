import { Packr } from 'msgpackr';
import { memoryBus, type Bus, type Channels, type Subscription } from '../bus.ts';
import type { RedisLink } from './client.ts';

const PREFIX = 'strongroom:bus:';
/** A listener that Redis does not confirm in time listens all the same: what it misses is healed by versions. */
const CONFIRM_MAX_MS = 1_000;

/** What travels: who sent it, when by that process's clock, and the event. */
type Envelope = [origin: string, sentAt: number, event: unknown];

export interface RedisBusOptions {
  /** Tells this process's own messages from the others'. */
  origin: string;
  /** From another process's `publish` to here, by the clocks of both. */
  onLag: (ms: number) => void;
  /** Redis did not take a message: only this process has heard it. */
  onDropped: () => void;
  /** The connection was away: what was said meanwhile was missed. */
  onGap: () => void;
}

const packr = new Packr({ useRecords: false });

/**
 * The bus over several processes: at once and in order within this one, and at most once to the others by Redis PUBLISH.
 * It keeps nothing: what was lost is healed by versions, after a gap at once. [BU1] [BU2]
 */
export function redisBus({ commands, subscriber }: RedisLink, { origin, onLag, onDropped, onGap }: RedisBusOptions): Bus {
  const here = memoryBus();
  const wanted = new Map<string, { listeners: number; ready: Promise<void> }>();
  let isLost = false;

  const listen = (topic: string): Promise<void> => {
    const confirmed = subscriber.subscribe(topic).then(() => undefined, () => undefined);
    return Promise.race([confirmed, new Promise<void>((resolve) => setTimeout(resolve, CONFIRM_MAX_MS).unref())]);
  };
  subscriber.on('messageBuffer', (topic: Buffer, message: Buffer) => {
    const [from, sentAt, event] = packr.unpack(message) as Envelope;
    if (from === origin) return;
    onLag(Math.max(0, Date.now() - sentAt));
    const [, channel, key] = /^strongroom:bus:(\w+):(.+)$/.exec(topic.toString()) ?? [];
    here.publish(channel as 'player', key as Channels['player']['key'], event as Channels['player']['event']);
  });
  subscriber.on('close', () => (isLost = true));
  subscriber.on('ready', () => {
    if (!isLost) return;
    isLost = false;
    const topics = [...wanted.keys()];
    if (topics.length === 0) return onGap();
    // A connection that cannot be told what to listen to is no use: the next one is tried.
    subscriber.subscribe(...topics).then(onGap, () => subscriber.disconnect(true));
  });

  return {
    publish(channel, key, event) {
      here.publish(channel, key, event);
      commands.publish(`${PREFIX}${channel}:${key}`, packr.pack([origin, Date.now(), event] satisfies Envelope)).catch(onDropped);
    },
    subscribe(channel, key, listener): Subscription {
      const topic = `${PREFIX}${channel}:${key}`;
      const local = here.subscribe(channel, key, listener);
      const held = wanted.get(topic) ?? { listeners: 0, ready: listen(topic) };
      held.listeners++;
      wanted.set(topic, held);
      let stopped = false;
      return {
        ready: held.ready,
        stop() {
          if (stopped) return;
          stopped = true;
          local.stop();
          if (--held.listeners > 0) return;
          wanted.delete(topic);
          subscriber.unsubscribe(topic).catch(() => undefined);
        },
      };
    },
  };
}
