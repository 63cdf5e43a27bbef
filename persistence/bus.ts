import type { InventoryDelta } from '../schema/inventory-delta.ts';
import type { GuildLogEntry, GuildMember } from '../schema/guild.ts';
import type { ClientId, GuildId, HolderId, PlayerId, TradeId } from '../schema/ids.ts';

/** What a player's own room may hear, wherever it is. At most once: a lost message is healed by versions. */
export type PlayerEvent =
  | { type: 'delta'; delta: InventoryDelta }
  | { type: 'resync' }
  | { type: 'profile'; name?: string; level?: number; xp?: number }
  | { type: 'session:taken'; epoch: number; displaces: boolean; clientId?: ClientId | undefined }
  | { type: 'session:left'; epoch: number }
  | { type: 'trade:invited'; tradeId: TradeId; from: PlayerId; fromName: string }
  | { type: 'guild'; guildId: GuildId | null }
  | { type: 'guild:invited'; guildId: GuildId; name: string; from: PlayerId; fromName: string };

/** What happened in a guild, for its room, its members and whoever has it cached. Versions are dense. */
export type GuildNews =
  | {
      type: 'changed';
      version: number;
      motd: string;
      disbanded: boolean;
      members: { set: GuildMember[]; removed: PlayerId[] };
      bank?: InventoryDelta;
      log: GuildLogEntry[];
    }
  | { type: 'presence'; playerId: PlayerId; name: string; online: boolean }
  | { type: 'renamed'; playerId: PlayerId; name: string }
  | { type: 'resync' };

/** Every channel there is, in one place: its name and what it carries. */
export interface Channels {
  player: { key: PlayerId; event: PlayerEvent };
  guild: { key: GuildId; event: GuildNews };
  /** To every process: what these holders have is newer than you may have cached. */
  invalidated: { key: 'all'; event: { holder: HolderId; version: number }[] };
  /** To every process: this node of a zone was taken, or is ready again. */
  node: { key: 'all'; event: { zone: string; nodeId: string; readyAt: number } };
}

export interface Subscription {
  /** Resolves when nothing published from now on is missed, as far as can be known; it never rejects. */
  readonly ready: Promise<void>;
  stop(): void;
}

/** Facts between rooms and processes, after commit; never commands, and never the truth. At most once. [BU1] */
export interface Bus {
  publish<Name extends keyof Channels>(channel: Name, key: Channels[Name]['key'], event: Channels[Name]['event']): void;
  subscribe<Name extends keyof Channels>(channel: Name, key: Channels[Name]['key'], listener: (event: Channels[Name]['event']) => void): Subscription;
}

const AT_ONCE = Promise.resolve();

/** The bus within a process. Delivery is synchronous and in order. */
export function memoryBus(): Bus {
  type Listeners = Set<(event: never) => void>;
  const channels: { readonly [Name in keyof Channels]: Map<string, Listeners> } = { player: new Map(), guild: new Map(), invalidated: new Map(), node: new Map() };
  return {
    publish(channel, key, event) {
      const listeners = channels[channel].get(key);
      // A copy: who listens or stops meanwhile does not change who hears this one.
      if (listeners !== undefined) for (const listener of [...listeners]) listener(event as never);
    },
    subscribe(channel, key, listener) {
      const keys = channels[channel];
      const listeners: Listeners = keys.get(key) ?? new Set();
      const own = (event: never) => listener(event);
      keys.set(key, listeners.add(own));
      return {
        ready: AT_ONCE,
        stop() {
          if (listeners.delete(own) && listeners.size === 0 && keys.get(key) === listeners) keys.delete(key);
        },
      };
    },
  };
}
