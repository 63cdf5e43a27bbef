import type { Redis } from 'ioredis';
import type { Fault, ProcessSample } from '../../schema/messages/ops.ts';
import { FAULTS_MAX, SAMPLES_KEPT_MS, SAMPLES_MAX, type OpsSamples } from '../ops-samples.ts';

const PROCESSES = 'strongroom:ops:processes';
const FAULTS = 'strongroom:ops:faults';
const keyOf = (processId: string) => `strongroom:ops:samples:${processId}`;

/** Of all processes: one list each, which goes an hour after its process. */
export function redisOpsSamples(redis: Redis, { now = Date.now }: { now?: () => number } = {}): OpsSamples {
  return {
    async add(sample) {
      const key = keyOf(sample.processId);
      await redis.multi()
        .zadd(PROCESSES, sample.at, sample.processId).zremrangebyscore(PROCESSES, '-inf', now() - SAMPLES_KEPT_MS).pexpire(PROCESSES, SAMPLES_KEPT_MS)
        .rpush(key, JSON.stringify(sample)).ltrim(key, -SAMPLES_MAX, -1).pexpire(key, SAMPLES_KEPT_MS)
        .exec();
    },
    async addFaults(faults) {
      if (faults.length === 0) return;
      await redis.multi().lpush(FAULTS, ...faults.map((fault) => JSON.stringify(fault))).ltrim(FAULTS, 0, FAULTS_MAX - 1).pexpire(FAULTS, SAMPLES_KEPT_MS).exec();
    },
    async since(from) {
      const processes = await redis.zrangebyscore(PROCESSES, from, '+inf');
      const lists = await Promise.all(processes.map(async (processId) => (await redis.lrange(keyOf(processId), 0, -1)).map((text) => JSON.parse(text) as ProcessSample).filter(({ at }) => at >= from)));
      return lists.filter((list) => list.length > 0);
    },
    async faults() {
      return (await redis.lrange(FAULTS, 0, -1)).map((text) => JSON.parse(text) as Fault);
    },
  };
}
