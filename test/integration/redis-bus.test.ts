import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryBus, openRedis, redisBus, type Bus, type PlayerEvent, type RedisLink } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { until } from '../kit/player.ts';
import { MortalRedis } from '../kit/redis-host.ts';

const ANN = 'ann' as PlayerId;
const profile = (xp: number): PlayerEvent => ({ type: 'profile', xp });

describe('the bus over Redis', () => {
  let redis: MortalRedis;
  let links: RedisLink[];
  let buses: Bus[];
  let faults: { dropped: number; gaps: number; lags: number[] };
  before(async () => {
    redis = await MortalRedis.start();
  });
  after(() => redis?.stop());
  beforeEach(async () => {
    faults = { dropped: 0, gaps: 0, lags: [] };
    links = await Promise.all([0, 1].map(() => openRedis(redis.url, { onFault: () => undefined })));
    buses = links.map((link, at) => redisBus(link, { origin: `process ${at}`, onLag: (ms) => faults.lags.push(ms), onDropped: () => faults.dropped++, onGap: () => faults.gaps++ }));
  });
  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()));
  });

  it('[BU1] tells this process at once and the other soon, each once, in order', async () => {
    const [here, there] = buses as [Bus, Bus];
    const heard: [PlayerEvent[], PlayerEvent[]] = [[], []];
    const subscriptions = [here.subscribe('player', ANN, (event) => heard[0].push(event)), there.subscribe('player', ANN, (event) => heard[1].push(event))];
    await Promise.all(subscriptions.map(({ ready }) => ready));
    for (let xp = 1; xp <= 100; xp++) here.publish('player', ANN, profile(xp));
    assert.equal(heard[0].length, 100);
    await until(() => heard[1].length >= 100, 2_000);
    await delay(50);
    assert.deepEqual(heard, [heard[0], heard[0]]);
    assert.equal(faults.lags.length, 100, 'the lag of what came from another process, and of nothing else');
    for (const subscription of subscriptions) subscription.stop();
  });

  it('[BU1] tells nobody who stopped, nor of other keys, and goes on for who shares the key', async () => {
    const [here, there] = buses as [Bus, Bus];
    const heard: string[] = [];
    const [one, two, other] = [there.subscribe('player', ANN, () => heard.push('one')), there.subscribe('player', ANN, () => heard.push('two')), there.subscribe('player', 'bob' as PlayerId, () => heard.push('bob'))];
    await Promise.all([one.ready, two.ready, other.ready]);
    one.stop();
    one.stop();
    here.publish('player', ANN, profile(1));
    await until(() => heard.length > 0, 2_000);
    await delay(50);
    assert.deepEqual(heard, ['two']);
    two.stop();
    here.publish('player', ANN, profile(2));
    await delay(100);
    assert.deepEqual(heard, ['two']);
    other.stop();
  });

  it('[BU2] hears its own process while Redis is away, says what was dropped, and that there was a gap', async () => {
    const [here, there] = buses as [Bus, Bus];
    const heard: [number[], number[]] = [[], []];
    const subscriptions = buses.map((bus, at) => bus.subscribe('player', ANN, (event) => event.type === 'profile' && heard[at as 0 | 1].push(event.xp ?? 0)));
    await Promise.all(subscriptions.map(({ ready }) => ready));
    await redis.crash();
    here.publish('player', ANN, profile(1));
    const late = there.subscribe('invalidated', 'all', () => heard[1].push(-1));
    await late.ready;
    assert.deepEqual(heard, [[1], []]);
    await until(() => faults.dropped === 1, 2_000, 'what Redis did not take is counted');
    await redis.revive();
    await until(() => faults.gaps === 2, 5_000, 'both know that they missed something');
    here.publish('player', ANN, profile(2));
    here.publish('invalidated', 'all', []);
    await until(() => heard[1].length === 2, 2_000, 'what is published now arrives, also where it was subscribed to meanwhile');
    assert.deepEqual(heard, [[1, 2], [2, -1]]);
    for (const subscription of [...subscriptions, late]) subscription.stop();
  });

  it('[BU1] is ready to hear at once within one process', async () => {
    const heard: PlayerEvent[] = [];
    const bus = memoryBus();
    await bus.subscribe('player', ANN, (event) => heard.push(event)).ready;
    bus.publish('player', ANN, profile(1));
    assert.equal(heard.length, 1);
  });
});
