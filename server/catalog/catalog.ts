import { readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { GUILD_RULES, REGIONS, type Asset, type Board, type CatalogFile, type GuildRules, type Zone } from '../../schema/catalog.ts';
import { Refusal } from '../../schema/refusals.ts';
import { CatalogError, parseCatalog } from './parse.ts';

/** An editor writes in several steps; a file that is still for this long is taken as saved. */
const SETTLE_MS = 100;

/** A leaderboard with the regions that it has. */
export type BoardOf = Board & { regions: readonly string[] };

/** What can be owned and where it is found, as the file says at this moment. */
export class Catalog {
  #assets: ReadonlyMap<string, Asset> = new Map();
  #zones: ReadonlyMap<string, Zone> = new Map();
  #guilds: GuildRules = GUILD_RULES;
  #regions: readonly string[] = REGIONS;
  #boards: ReadonlyMap<string, BoardOf> = new Map();
  readonly #listeners = new Set<() => void>();

  constructor(file: CatalogFile) {
    this.#adopt(file);
  }

  get assets(): Asset[] {
    return [...this.#assets.values()];
  }

  /** @throws {Refusal} UNKNOWN_ASSET unless it is a fungible asset */
  fungible(name: string): Asset {
    return this.#find(name, 'fungible');
  }

  /** @throws {Refusal} UNKNOWN_ASSET unless it is a unique kind */
  kind(name: string): Asset {
    return this.#find(name, 'unique');
  }

  /** The zone of that name, or undefined. */
  zone(name: string): Zone | undefined {
    return this.#zones.get(name);
  }

  /** What the ranks of a guild may do. */
  get guilds(): GuildRules {
    return this.#guilds;
  }

  /** Where players may be at home; the first one unless they say so. */
  get regions(): readonly string[] {
    return this.#regions;
  }

  /** The leaderboards, as they stand in the file. */
  get boards(): BoardOf[] {
    return [...this.#boards.values()];
  }

  /** @throws {Refusal} BAD_REQUEST */
  board(name: string): BoardOf {
    const board = this.#boards.get(name);
    if (board === undefined) throw new Refusal('BAD_REQUEST', { board: name, reason: 'no such leaderboard' });
    return board;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replace(file: CatalogFile): void {
    this.#adopt(file);
    for (const listener of this.#listeners) listener();
  }

  #adopt({ assets, zones, guilds, regions, boards }: CatalogFile): void {
    this.#assets = new Map(assets.map((asset) => [asset.name, asset]));
    this.#guilds = guilds;
    this.#regions = regions;
    this.#boards = new Map(boards.map((board) => [board.name, { ...board, regions: board.regions ?? regions }]));
    this.#zones = new Map(zones.map((zone) => [zone.name, zone]));
  }

  #find(name: string, type: Asset['type']): Asset {
    const asset = this.#assets.get(name);
    if (asset?.type !== type) throw new Refusal('UNKNOWN_ASSET', { asset: name });
    return asset;
  }
}

/** @throws {CatalogError} when the file is wrong at the start, with the line, or cannot be read */
export function loadCatalog(file: string): Catalog {
  return new Catalog(parseCatalog(read(file), path.basename(file)));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CatalogError(`CATALOG_PATH: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}): name a catalogue file.`);
  }
}

/**
 * Takes up changes of the file while the server runs. A wrong file keeps the old catalogue in force. [CT2]
 * The folder is watched, not the file: editors replace files.
 * @returns what stops the watching
 */
export function watchCatalog(catalog: Catalog, file: string, report: { changed(): void; refused(error: Error): void }): () => void {
  let timer: NodeJS.Timeout | undefined;
  const reload = async () => {
    try {
      catalog.replace(parseCatalog(await readFile(file, 'utf8'), path.basename(file)));
      report.changed();
    } catch (error) {
      report.refused(error as Error);
    }
  };
  const watcher = watch(path.dirname(file), (_event, name) => {
    if (name !== path.basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), SETTLE_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
