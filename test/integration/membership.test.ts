import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { joinMembers, newId, openRedis, type Member, type Membership, type RedisLink } from '../../persistence/index.ts';
import type { LeaseId } from '../../schema/ids.ts';
import { until } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';

const MISSED_WITHIN_MS = 8_000;

interface Process {
  self: Member;
  link: RedisLink;
  membership: Membership;
  dead: Member[];
  doubts: number;
  finished: boolean;
}

describe('membership', () => {
  let redis: MortalRedis;
  let processes: Process[];
  before(async () => {
    redis = await MortalRedis.start();
  });
  after(() => redis?.stop());
  beforeEach(async () => {
    processes = [];
    for (let at = 0; at < 3; at++) await add();
  });
  afterEach(async () => {
    for (const { membership } of processes) await membership.stop();
    for (const { link } of processes) await link.close();
  });

  async function add(): Promise<Process> {
    const link = await openRedis(redis.url, { onFault: () => undefined });
    const added: Partial<Process> = { self: { lease: newId<LeaseId>(), processId: `process ${processes.length}` }, link, dead: [], doubts: 0, finished: true };
    const process = added as Process;
    process.membership = await joinMembers(link, {
      self: () => process.self,
      onDead: async (member) => {
        process.dead.push(member);
        return process.finished;
      },
      onDoubt: async () => void process.doubts++,
      report: () => undefined,
    });
    processes.push(process);
    return process;
  }

  const names = ({ membership }: Process) => membership.alive().map(({ processId }) => processId).toSorted();

  it('[PL2] knows who lives, and misses nobody who left in order', async () => {
    await until(() => processes.every((process) => names(process).length === 3), 3_000, 'each knows all three');
    const [first, second, third] = processes.splice(0) as [Process, Process, Process];
    await third.membership.stop();
    await third.link.close();
    processes = [first, second];
    await until(() => names(first).length === 2, 2_000);
    await delay(2_000);
    assert.deepEqual([first.dead, second.dead], [[], []]);
  });

  it('[PL2] misses one whose connections are gone, and asks again until all is done', async () => {
    const [first, second, third] = processes.splice(0) as [Process, Process, Process];
    await until(() => names(first).length === 3, 3_000);
    await delay(3_000); // as long as everybody is given to come
    first.finished = false;
    second.finished = false;
    await third.link.close();
    processes = [first, second];
    await until(() => first.dead.length >= 2 && second.dead.length >= 1, MISSED_WITHIN_MS, 'it is missed, and again');
    first.finished = true;
    second.finished = true;
    await until(async () => (await first.link.commands.hlen('strongroom:members')) === 2, 3_000, 'it is struck off');
    assert.deepEqual(first.dead[0], third.self);
    assert.deepEqual(names(first), ['process 0', 'process 1']);
    await third.membership.stop();
  });

  it('[PL3] doubts itself when the others struck it off, and is there again by another lease', async () => {
    const [first, second] = processes as [Process, Process];
    const before = first.self.lease;
    await second.link.commands.hdel('strongroom:members', before);
    await until(() => first.doubts === 1, 3_000, 'it asks whether it was fenced');
    first.self = { ...first.self, lease: newId<LeaseId>() };
    await first.membership.renamed(before);
    await until(() => second.membership.alive().some(({ lease }) => lease === first.self.lease), 3_000, 'it is known by its new lease');
    assert.ok(second.membership.alive().every(({ lease }) => lease !== before));
    assert.deepEqual(second.dead, []);
  });

  it('[PL2] misses nobody because Redis was emptied, or crashed', async () => {
    await until(() => processes.every((process) => names(process).length === 3), 3_000);
    // Guards the one question: who asks for the members and for their leases apart may find Redis emptied in between.
    for (let times = 0; times < 200; times++) {
      await processes[0]?.link.commands.flushall();
      await delay(10);
    }
    await delay(1_500);
    await redis.crash();
    await delay(500);
    await redis.revive();
    await until(() => processes.every(({ link }) => link.isUp()), 5_000, 'all are connected again');
    await delay(4_000); // beyond what everybody is given to come back
    assert.deepEqual(processes.map(names), [names(processes[0]!), names(processes[0]!), names(processes[0]!)]);
    assert.equal(names(processes[0]!).length, 3, 'all know each other again');
    assert.deepEqual(processes.map(({ dead }) => dead), [[], [], []]);
  });
});
