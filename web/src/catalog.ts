import type { GuildRules } from '../../schema/catalog.ts';
import { backOffMs, cell, sleep } from '../client/index.ts';
import { observeServerTime } from './server-clock.ts';

/** One thing that can be owned, as `GET /catalog` lists it. */
export interface CatalogAsset {
  name: string;
  title: string;
  icon: string;
  type: 'fungible' | 'unique';
  bound: boolean;
  /** How many make one stack on a screen; 0 where that means nothing. */
  stack: number;
}

interface Catalog {
  assets: Map<string, CatalogAsset>;
  order: Map<string, number>;
  /** Absent until it has arrived. */
  guilds?: GuildRules;
}

/** Changes when the catalogue arrives, so that titles and icons drawn before are drawn again. */
export const catalog = cell<Catalog>({ assets: new Map(), order: new Map() });

const ATTEMPTS_MAX = 8;
const REFETCH_AFTER_MS = 15_000;
let fetchedAt = -Infinity;
let fetching = false;

/** Loads the catalogue; without it the game still works, with names for titles. */
export async function loadCatalog(): Promise<void> {
  if (fetching) return;
  fetching = true;
  fetchedAt = Date.now();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      const response = await fetch('/catalog');
      observeServerTime(response.headers.get('date'));
      if (!response.ok) throw new Error(`the catalogue answered ${response.status}`);
      const { assets, guilds } = (await response.json()) as { assets: CatalogAsset[]; guilds: GuildRules };
      catalog.set({
        assets: new Map(assets.map((asset) => [asset.name, asset])),
        order: new Map(assets.map((asset, index) => [asset.name, index])),
        guilds,
      });
      break;
    } catch {
      await sleep(backOffMs(attempt));
    }
  }
  fetching = false;
}

/** What to show for a name. A name that is not listed yet (the catalogue is reloaded live) is looked up again. */
export function assetOf(name: string): CatalogAsset {
  const { assets } = catalog.get();
  const known = assets.get(name);
  if (known) return known;
  if (assets.size > 0 && Date.now() - fetchedAt > REFETCH_AFTER_MS) void loadCatalog();
  return { name, title: titleCase(name), icon: name, type: 'unique', bound: false, stack: 0 };
}

export function catalogRank(name: string): number {
  return catalog.get().order.get(name) ?? Number.MAX_SAFE_INTEGER;
}

function titleCase(name: string): string {
  return name.replace(/_/g, ' ').replace(/^./, (first) => first.toUpperCase());
}
