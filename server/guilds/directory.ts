import { LRUCache } from 'lru-cache';
import type { Bus, GuildNews, GuildRecord } from '../../persistence/index.ts';
import type { GuildMember } from '../../schema/guild.ts';
import type { GuildId, PlayerId } from '../../schema/ids.ts';

/** A guild as it is cached: what it is called and who is in it. */
export interface GuildEntry {
  id: GuildId;
  name: string;
  tag: string;
  version: number;
  members: ReadonlyMap<PlayerId, GuildMember>;
}

export interface GuildDirectoryOptions {
  /** Absent ones do not exist, or were disbanded. */
  find: (ids: readonly GuildId[]) => Promise<Map<GuildId, GuildRecord>>;
  names: (players: readonly PlayerId[]) => Promise<Map<PlayerId, string>>;
  bus: Bus;
  /** Guilds; the least recently used goes when it is full. */
  max: number;
  ttlMs: number;
  onRead?: (result: 'hit' | 'miss') => void;
}

interface Cached {
  entry: GuildEntry;
  stop(): void;
}

/**
 * Who is in which guild, kept for reading: bounded, with a time-to-live, single-flight. As long as a guild is cached its news
 * are listened to: what changed is applied when it is the next version, and forgotten otherwise. A write never trusts it. [GC1]
 */
export class GuildDirectory {
  readonly #options: GuildDirectoryOptions;
  readonly #cache: LRUCache<GuildId, Cached>;
  readonly #loading = new Map<GuildId, Promise<GuildEntry | undefined>>();

  constructor(options: GuildDirectoryOptions) {
    this.#options = options;
    this.#cache = new LRUCache({ max: options.max, ttl: options.ttlMs, dispose: ({ stop }) => stop() });
  }

  /** @returns undefined if there is no such guild any more */
  async get(id: GuildId): Promise<GuildEntry | undefined> {
    const cached = this.#cache.get(id);
    this.#options.onRead?.(cached === undefined ? 'miss' : 'hit');
    if (cached !== undefined) return cached.entry;
    const loading = this.#loading.get(id) ?? this.#load(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return await loading;
  }

  /** What is cached now, without a query. */
  peek(id: GuildId): GuildEntry | undefined {
    return this.#cache.peek(id)?.entry;
  }

  forget(id: GuildId): void {
    this.#cache.delete(id);
  }

  /** Messages were missed: nothing that is cached is believed any more. */
  clear(): void {
    this.#cache.clear();
  }

  get size(): number {
    return this.#cache.size;
  }

  async #load(id: GuildId): Promise<GuildEntry | undefined> {
    // Listen first, read second: what is committed in between is either read or heard.
    const heard: GuildNews[] = [];
    let hear = (news: GuildNews): void => void heard.push(news);
    const listening = this.#options.bus.subscribe('guild', id, (news) => hear(news));
    try {
      await listening.ready;
      const record = (await this.#options.find([id])).get(id);
      if (record === undefined) {
        listening.stop();
        return undefined;
      }
      const names = await this.#options.names(record.members.map(({ playerId }) => playerId));
      const { name, tag, version } = record;
      const cached: Cached = {
        entry: { id, name, tag, version, members: new Map(record.members.map(({ playerId, rank }) => [playerId, { playerId, rank, name: names.get(playerId) ?? '' }])) },
        stop: () => listening.stop(),
      };
      this.#cache.set(id, cached);
      hear = (news) => this.#hear(id, cached, news);
      for (const news of heard) hear(news);
      return cached.entry;
    } catch (error) {
      listening.stop();
      throw error;
    }
  }

  #hear(id: GuildId, cached: Cached, news: GuildNews): void {
    if (news.type === 'presence' || (news.type === 'changed' && news.version <= cached.entry.version)) return;
    if (news.type === 'resync' || (news.type === 'changed' && (news.disbanded || news.version !== cached.entry.version + 1))) {
      if (this.#cache.peek(id) === cached) this.#cache.delete(id);
      return;
    }
    const members = new Map(cached.entry.members);
    if (news.type === 'renamed') {
      const member = members.get(news.playerId);
      if (member !== undefined) members.set(news.playerId, { ...member, name: news.name });
      cached.entry = { ...cached.entry, members };
      return;
    }
    for (const member of news.members.set) members.set(member.playerId, member);
    for (const player of news.members.removed) members.delete(player);
    cached.entry = { ...cached.entry, version: news.version, members };
  }
}
