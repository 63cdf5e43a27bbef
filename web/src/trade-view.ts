import type { TradeItemState, TradePhase, TradeSideState, TradeState } from '../../schema/states/trade-state.ts';
import { readAttributes, readFungibles, type ItemView } from './player-view.ts';

/** What one side puts on the table. */
export interface OfferView {
  fungibles: ReadonlyMap<string, number>;
  items: ReadonlyMap<string, ItemView>;
}

export interface TradeSideView extends OfferView {
  playerId: string;
  name: string;
  accepted: boolean;
}

/** A copy of the trade at one revision, told from the side of one player. */
export interface TradeView {
  phase: TradePhase;
  revision: number;
  reason: string;
  mine: TradeSideView | undefined;
  theirs: TradeSideView | undefined;
}

export const EMPTY_OFFER: OfferView = { fungibles: new Map(), items: new Map() };

/** `undefined` until the first state has arrived. */
export function readTrade(state: TradeState | undefined, playerId: string): TradeView | undefined {
  if (!state?.phase) return undefined;
  const view: TradeView = { phase: state.phase as TradePhase, revision: state.revision, reason: state.reason, mine: undefined, theirs: undefined };
  state.sides?.forEach((side: TradeSideState, id: string) => {
    if (id === playerId) view.mine = readSide(side, id);
    else view.theirs = readSide(side, id);
  });
  return view;
}

function readSide(side: TradeSideState, playerId: string): TradeSideView {
  const items = new Map<string, ItemView>();
  side.items?.forEach((item: TradeItemState, id: string) => {
    items.set(id, { id, kind: item.kind, version: item.version, bound: false, attributes: readAttributes(item.attributes) });
  });
  return { playerId, name: side.name, accepted: side.accepted, fungibles: readFungibles(side.fungibles), items };
}

export function isEmptyOffer(offer: OfferView): boolean {
  return offer.fungibles.size === 0 && offer.items.size === 0;
}

/** The keys of what is new, or differs, between two offers: an item whose version rose counts as another item. */
export function changedKeys(before: OfferView, after: OfferView): Set<string> {
  const changed = new Set<string>();
  for (const [asset, quantity] of after.fungibles) {
    if (before.fungibles.get(asset) !== quantity) changed.add(`fungible:${asset}`);
  }
  for (const [id, item] of after.items) {
    if (before.items.get(id)?.version !== item.version) changed.add(`item:${id}`);
  }
  return changed;
}

/** Whether a later state shows another table than the one seen: then every earlier "yes" is void. */
export function offerChanged(before: TradeView | undefined, after: TradeView): boolean {
  return before !== undefined && after.phase === 'open' && before.revision !== after.revision;
}
