import { setTimeout as delay } from 'node:timers/promises';
import { CloseCode, matchMaker } from '@colyseus/core';
import type { MembershipOptions, Membership, Storage } from '../persistence/index.ts';
import type { Features } from './features.ts';
import type { Logger, Metrics } from './telemetry/index.ts';

/** While a shard does not answer, rooms are not kept from their players for longer. */
const FENCE_MAX_MS = 1_000;

export interface LostLeaseDeps {
  storage: Pick<Storage, 'lease' | 'fence' | 'isFenced'>;
  features: Pick<Features, 'ledger' | 'leaderboards'>;
  membership: () => Membership | undefined;
  metrics: Metrics;
  log: Logger;
}

/** What a process does about others that seem dead, and when it was itself taken for dead. [PL1] … [PL4] */
export function membershipOptions(deps: LostLeaseDeps): MembershipOptions {
  const { storage, membership, metrics, log } = deps;
  let closing: Promise<void> | undefined;
  storage.lease.onLost(() => {
    closing ??= startAnew(deps).catch((error: unknown) => log.error({ err: error }, 'rooms of a lost lease were not closed')).finally(() => (closing = undefined));
  });
  return {
    self: () => ({ lease: storage.lease.id, processId: matchMaker.processId }),
    report: (error) => log.warn({ err: error }, 'membership'),
    async onDoubt() {
      if (await storage.isFenced(storage.lease.id)) storage.lease.lost();
    },
    /** First what it still wants to write is refused, then its rooms may be opened elsewhere. */
    async onDead({ lease, processId }) {
      // A shard that is away takes no writes either; it is asked again.
      const everywhere = await Promise.race([storage.fence(lease), delay(FENCE_MAX_MS, false)]);
      log.warn({ lease, processId, everywhere }, 'a process is gone or stands still: what it still wants to write is refused');
      metrics.membersLost.inc();
      void deps.features.leaderboards.recover().catch((error: unknown) => log.warn({ err: error }, 'what it left out of the leaderboards was not looked after'));
      // One that came back has a new lease under its old name.
      if (membership()?.alive().some((member) => member.processId === processId)) return everywhere;
      await matchMaker.driver.cleanup?.(processId);
      await matchMaker.stats.excludeProcess(processId);
      return everywhere;
    },
  };
}

/** Its rooms are somebody else's by now: they close, and only when nothing of theirs waits to be written it writes by a new lease. */
async function startAnew({ storage, features, membership, metrics, log }: LostLeaseDeps): Promise<void> {
  const { lease } = storage;
  log.error({ lease: lease.id }, 'this process was taken for dead, and PostgreSQL refuses its writes: its rooms close');
  metrics.leasesLost.inc();
  await Promise.all(matchMaker.disconnectAll(CloseCode.SERVER_SHUTDOWN));
  await features.ledger.idle();
  const before = lease.id;
  lease.renewed();
  await membership()?.renamed(before);
  // The others had struck it off their list of who makes rooms.
  await matchMaker.stats.persist(true);
  log.warn({ lease: lease.id }, 'this process writes again, by a new lease');
}
