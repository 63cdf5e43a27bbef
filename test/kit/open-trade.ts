import type { CommandReader, MovementOutcome } from '../../persistence/index.ts';
import type { PlayerId, TradeId, TransactionId } from '../../schema/ids.ts';
import { CachedHoldings } from '../../server/inventory/index.ts';
import { Metrics } from '../../server/telemetry/index.ts';
import { Trade, type TradeDeps } from '../../server/trading/index.ts';

export interface OpenTradeOptions extends Partial<TradeDeps> {
  id?: TradeId;
  players?: readonly [PlayerId, PlayerId];
}

/** A trade of two who hold 100 gold each, with nothing behind it: what it settles always commits, unless told otherwise. */
export function openTrade({ id = crypto.randomUUID() as TradeId, players = ['ann', 'bob'] as [PlayerId, PlayerId], ...deps }: OpenTradeOptions = {}) {
  const holdings = { version: 1, fungibles: { gold: 100 }, items: [] };
  const refreshed: string[] = [];
  const commands: CommandReader = { find: async () => undefined };
  const trade = new Trade(id, players, {
    ledger: { submit: async () => committed() },
    inventory: {
      look: async () => new CachedHoldings(holdings),
      reload: async () => holdings,
      refresh: (holders) => void refreshed.push(...holders),
    },
    catalog: { fungible: (name) => ({ name, title: name, icon: '', type: 'fungible', bound: false, stack: 1 }) },
    commands,
    invitations: { ended: () => undefined },
    metrics: new Metrics(),
    ...deps,
  });
  return { trade, refreshed };
}

function committed(): MovementOutcome {
  return { status: 'committed', transactionId: crypto.randomUUID() as TransactionId, deltas: [], answers: [] };
}
