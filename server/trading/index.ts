export { Invitations } from './invitations.ts';
export { Trade, type AcceptOutcome, type TradeDeps } from './trade.ts';
export type { OfferedItem, Side, TradeWindow } from './trade-window.ts';
