import assert from 'node:assert/strict';
import { startEmbeddedRedis } from '../../persistence/embedded/redis.ts';
import { FAULTS_MAX, memoryOpsSamples, SAMPLES_MAX, type OpsSamples } from '../../persistence/ops-samples.ts';
import { openRedis } from '../../persistence/redis/client.ts';
import { redisOpsSamples } from '../../persistence/redis/ops-samples.ts';
import type { Fault } from '../../schema/messages/ops.ts';
import { sampleOf } from '../kit/ops-sample.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

interface Host {
  fresh(): Promise<OpsSamples>;
  /** Of another process, if there can be one. */
  other?: OpsSamples;
  stop(): Promise<void>;
}

async function redisHost(): Promise<Host> {
  const { folder, remove } = temporaryFolder();
  const redis = await startEmbeddedRedis({ dir: folder });
  const links = await Promise.all([0, 1].map(() => openRedis(redis.url, { onFault: () => undefined })));
  const [first, second] = links as [typeof links[number], typeof links[number]];
  return {
    async fresh() {
      await first.commands.flushall();
      return redisOpsSamples(first.commands);
    },
    other: redisOpsSamples(second.commands),
    async stop() {
      await Promise.all(links.map((link) => link.close()));
      await redis.stop();
      remove();
    },
  };
}

const fault = (at: number): Fault => ({ at, level: 'error', message: `fault ${at}` });

for (const [name, start] of Object.entries({ memory: async (): Promise<Host> => ({ fresh: async () => memoryOpsSamples(), stop: async () => undefined }), redis: redisHost })) {
  describe(`what processes say of themselves: ${name}`, () => {
    let host: Host;
    before(async () => void (host = await start()));
    after(() => host.stop());

    it('[OP5] is read back whole and in order, from an instant on, and no more is kept than an hour needs', async () => {
      const samples = await host.fresh();
      const from = Date.now();
      for (let turn = 0; turn < SAMPLES_MAX + 20; turn++) await samples.add(sampleOf('a', from + turn, { rooms: { zone: turn } }));
      const [all] = await samples.since(0);
      assert.deepEqual(all?.map(({ at }) => at - from), Array.from({ length: SAMPLES_MAX }, (_, at) => at + 20));
      assert.deepEqual((await samples.since(from + SAMPLES_MAX + 19))[0], [sampleOf('a', from + SAMPLES_MAX + 19, { rooms: { zone: SAMPLES_MAX + 19 } })]);
      assert.deepEqual(await samples.since(from + 10_000), []);
    });

    it('[OP5] faults are the newest first, and no more than are looked at', async () => {
      const samples = await host.fresh();
      await samples.addFaults([]);
      await samples.addFaults([fault(1), fault(2)]);
      await samples.addFaults([fault(3)]);
      assert.deepEqual(await samples.faults(), [fault(3), fault(2), fault(1)]);
      await samples.addFaults(Array.from({ length: FAULTS_MAX }, (_, at) => fault(10 + at)));
      assert.deepEqual([(await samples.faults()).length, (await samples.faults())[0]], [FAULTS_MAX, fault(9 + FAULTS_MAX)]);
    });

    if (name === 'redis') {
      it('[OP5] is everybody’s, each process apart', async () => {
        const samples = await host.fresh();
        const now = Date.now();
        await samples.add(sampleOf('a', now));
        await host.other!.add(sampleOf('b', now + 1));
        await samples.add(sampleOf('a', now + 2));
        assert.deepEqual((await host.other!.since(now)).map((some) => some.map(({ processId, at }) => [processId, at - now])).toSorted(), [[['a', 0], ['a', 2]], [['b', 1]]]);
      });
    }
  });
}
