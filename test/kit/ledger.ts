import { memoryBus, type PlayerEvent, type Storage } from '../../persistence/index.ts';
import { Inventory } from '../../server/inventory/index.ts';
import { Ledger, type LedgerDeps } from '../../server/ledger/ledger.ts';
import { Metrics } from '../../server/telemetry/index.ts';

/** A ledger over a storage, and what players' rooms are told of it. */
export function openLedger(storage: Storage, { settle = storage.settle, queue = {} }: { settle?: LedgerDeps['settle']; queue?: Partial<LedgerDeps['queue']> } = {}) {
  const bus = memoryBus();
  const inventory = new Inventory({ reader: storage.holdings, bus, cacheMax: 100, cacheTtlMs: 60_000 });
  const told: PlayerEvent[] = [];
  const publish = bus.publish.bind(bus);
  bus.publish = (channel, key, event) => {
    if (channel === 'player') told.push(event as PlayerEvent);
    publish(channel, key, event);
  };
  const sizes = { batchSizeMax: 100, batchShareMin: 100, roundsMax: 12, workersMax: 2, lengthMax: 1000, ...queue };
  return { ledger: new Ledger({ settle, judge: storage.judge, laneOf: storage.laneOf, inventory, bus, metrics: new Metrics(), reach: () => undefined, queue: sizes }), inventory, told };
}
