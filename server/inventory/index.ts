export { InventoryCache } from './cache.ts';
export { Inventory } from './inventory.ts';
export { VersionWatch, type Watched } from './version-watch.ts';
