import { TradeItemState, type TradeSideState, type TradeState } from '../../schema/states/trade-state.ts';
import type { TradeWindow } from '../../server/trading/index.ts';

/** Writes the window into the synced state, touching only what differs, so that the patch is no larger. [TR9] */
export function showTrade(state: TradeState, window: TradeWindow): void {
  state.phase = window.phase;
  state.revision = window.revision;
  state.reason = window.reason;
  for (const player of window.players) {
    const side = window.side(player);
    const shown = state.sides.get(player);
    if (shown) showSide(shown, side);
  }
}

function showSide(shown: TradeSideState, side: ReturnType<TradeWindow['side']>): void {
  shown.accepted = side.acceptedBy.length > 0;
  for (const asset of shown.fungibles.keys()) if (!(asset in side.fungibles)) shown.fungibles.delete(asset);
  for (const [asset, quantity] of Object.entries(side.fungibles)) if (shown.fungibles.get(asset) !== quantity) shown.fungibles.set(asset, quantity);
  const offered = new Set<string>(side.items.map(({ id }) => id));
  for (const id of shown.items.keys()) if (!offered.has(id)) shown.items.delete(id);
  for (const { id, kind, version, attributes } of side.items) {
    const attributesText = JSON.stringify(attributes);
    const item = shown.items.get(id);
    if (item?.version === version && item.kind === kind && item.attributes === attributesText) continue;
    shown.items.set(id, new TradeItemState({ kind, version, attributes: attributesText }));
  }
}
