import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { LeaseId } from '../../schema/ids.ts';
import type { RedisLink } from './client.ts';

const MEMBERS = 'strongroom:members';
const BEAT_MS = 500;
/** A process that is silent for so long has lost its lease: it stands still, or is cut off. */
const LEASE_MS = 3_500;
/** A connection that broke is back by then, if its process lives. */
const ABSENT_MS = 1_000;
/** After Redis was away, so that everybody is back before anybody is missed. */
const SETTLE_MS = 3_000;
const GIVEN_UP_MAX = 1_000;

/** A process as the others see it. */
export interface Member {
  lease: LeaseId;
  /** Colyseus's name of the process, under which its rooms are listed. */
  processId: string;
}

export interface MembershipOptions {
  /** This process, by the lease that it has now. */
  self: () => Member;
  /** A member is gone or stands still. @returns whether all is done: it is asked again until then */
  onDead: (member: Member) => Promise<boolean>;
  /** This process stood still for longer than its lease, or the others do not know it: PostgreSQL says whether it was fenced. */
  onDoubt: () => Promise<void>;
  report: (error: unknown) => void;
}

/** Which processes live. */
export interface Membership {
  /** Those that were alive a moment ago, this one among them. */
  alive(): readonly Member[];
  /** Whether a process is gone, by the last look or by a look now. One that nobody knows is not. */
  isGone(processId: string): Promise<boolean>;
  /** This process has another lease than before. */
  renamed(before: LeaseId): Promise<void>;
  stop(): Promise<void>;
}

interface Scripts {
  beat(members: string, lease: LeaseId, processId: string, leaseMs: number): Promise<[known: number, ...(string | number)[]]>;
}

/** A member and what is left of its lease, in milliseconds: nothing, of one that is silent. */
type Heard = Member & { leftMs: number };

/**
 * Leases on being alive, in Redis: each process renews its own twice a second and looks after the others'. One that is killed
 * is missed when its subscription is gone, one that stands still when its lease has run out. Redis only says who seems dead;
 * what follows from that is fenced in PostgreSQL. [PL2]
 */
export async function joinMembers({ commands, subscriber }: RedisLink, { self, onDead, onDoubt, report }: MembershipOptions): Promise<Membership> {
  let alive: Member[] = [];
  let missed = new Set<string>();
  /** For as long as somebody may still find them listed. */
  const givenUp = new Set<string>();
  let beatAt = performance.now();
  let upSince = performance.now() - SETTLE_MS;
  const absentSince = new Map<LeaseId, number>();
  const mourned = new Map<LeaseId, Promise<void>>();
  commands.defineCommand('beat', { numberOfKeys: 1, lua: readFileSync(new URL('beat.lua', import.meta.url), 'utf8') });
  const scripts = commands as Redis & Scripts;
  commands.on('ready', () => (upSince = performance.now()));
  subscriber.on('ready', () => void subscriber.subscribe(topicOf(self().lease)).catch(report));
  const known = new Set<LeaseId>();

  async function beat(): Promise<void> {
    const { lease, processId } = self();
    const stoodStill = performance.now() - beatAt > LEASE_MS;
    if (!known.has(lease)) await subscriber.subscribe(topicOf(lease)); // who is listened to by nobody is missed
    const [before, ...members] = await scripts.beat(MEMBERS, lease, processId, LEASE_MS);
    beatAt = performance.now();
    const forgotten = before === 0 && known.has(lease);
    known.add(lease);
    if (stoodStill || forgotten) await onDoubt();
    await look(Array.from({ length: members.length / 3 }, (_, at) => ({ lease: members[at * 3] as LeaseId, processId: String(members[at * 3 + 1]), leftMs: Number(members[at * 3 + 2]) })), lease);
  }

  async function look(members: Heard[], own: LeaseId): Promise<void> {
    const others = members.filter(({ lease }) => lease !== own);
    const topics = others.map(({ lease }) => topicOf(lease));
    const listeners = topics.length === 0 ? [] : await commands.pubsub('NUMSUB', ...topics);
    const now = performance.now();
    const isSilent = (at: number) => (others[at]?.leftMs ?? 0) <= 0;
    const isAbsent = (at: number) => Number(listeners[at * 2 + 1]) === 0;
    alive = [...members.filter(({ lease }) => lease === own), ...others.filter((_, at) => !isSilent(at) && !isAbsent(at))].map(({ lease, processId }) => ({ lease, processId }));
    missed = new Set(others.filter((_, at) => isSilent(at) || isAbsent(at)).map((member) => member.processId));
    for (const { processId } of alive) {
      missed.delete(processId);
      givenUp.delete(processId);
    }
    for (const [at, member] of others.entries()) {
      if (!isAbsent(at)) absentSince.delete(member.lease);
      else if (!absentSince.has(member.lease)) absentSince.set(member.lease, now);
      const isGone = isSilent(at) || now - (absentSince.get(member.lease) ?? now) > ABSENT_MS;
      if (isGone && now - upSince > SETTLE_MS) mourn({ lease: member.lease, processId: member.processId });
    }
  }

  function mourn(member: Member): void {
    if (mourned.has(member.lease)) return;
    givenUp.add(member.processId);
    if (givenUp.size > GIVEN_UP_MAX) givenUp.delete([...givenUp][0] as string);
    const done = onDead(member)
      .then(async (all) => {
        if (!all) return;
        await commands.hdel(MEMBERS, member.lease);
        absentSince.delete(member.lease);
      })
      .catch(report)
      .finally(() => mourned.delete(member.lease));
    mourned.set(member.lease, done);
  }

  let looking: Promise<void> | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const next = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      // Redis is away: nobody is missed meanwhile, and this process is only in doubt once it can be known again.
      running = beat().catch(() => undefined).finally(next);
    }, BEAT_MS);
  };
  await beat();
  next();
  return {
    alive: () => alive,
    async isGone(processId) {
      // It may be back by now, with another lease.
      if (missed.has(processId) || givenUp.has(processId)) await (looking ??= beat().finally(() => (looking = undefined)));
      if (missed.has(processId) || givenUp.has(processId)) return true;
      const member = alive.find((known) => known.processId === processId);
      if (member === undefined || member.lease === self().lease || performance.now() - upSince < SETTLE_MS) return false;
      const [, listeners] = await commands.pubsub('NUMSUB', topicOf(member.lease));
      return Number(listeners) === 0;
    },
    async renamed(before) {
      await commands.hdel(MEMBERS, before).catch(report);
      await subscriber.unsubscribe(topicOf(before)).catch(report);
      await beat().catch(report);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await Promise.all(mourned.values());
      await commands.hdel(MEMBERS, self().lease).catch(report);
    },
  };
}

/** Listened to by the process that has the lease: a connection that ends is noticed there at once. */
function topicOf(lease: LeaseId): string {
  return `strongroom:member:${lease}`;
}
