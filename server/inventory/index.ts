export { InventoryCache } from './cache.ts';
export { CachedHoldings, type HoldingsLook } from './cached-holdings.ts';
export { Inventory } from './inventory.ts';
export { VersionWatch, type Watched } from './version-watch.ts';
