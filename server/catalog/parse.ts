import { Cron } from 'croner';
import { LineCounter, parseDocument, visit, type Document } from 'yaml';
import { CatalogFile } from '../../schema/catalog.ts';

/** The catalogue file is wrong; the message names the file, the line and the remedy in one line. */
export class CatalogError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CatalogError';
  }
}

/**
 * Reads and checks a catalogue. Pure. [CT1]
 * @param file named in errors only
 * @throws {CatalogError} `catalog.yaml:12: assets[3].stack …`
 */
export function parseCatalog(text: string, file: string): CatalogFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken) throw new CatalogError(`${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message.split('\n')[0]}`);
  const at = unresolvedAlias(document);
  if (at !== undefined) throw new CatalogError(`${file}:${lines.linePos(at).line}: the alias has no anchor before it`);
  const parsed = CatalogFile.safeParse(document.toJS());
  const fail = (path: readonly PropertyKey[], message: string): never => {
    throw new CatalogError(`${file}:${lineOf(document, lines, path)}: ${formatPath(path)}: ${message}`);
  };
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return fail(issue?.path ?? [], issue?.message ?? 'is malformed');
  }
  refuseContradictions(parsed.data, fail);
  return parsed.data;
}

function refuseContradictions({ assets, zones, regions, boards }: CatalogFile, fail: (path: readonly PropertyKey[], message: string) => never): void {
  const twice = (names: readonly string[]) => names.findIndex((name, at) => names.indexOf(name) !== at);
  const asset = twice(assets.map(({ name }) => name));
  if (asset >= 0) fail(['assets', asset, 'name'], `"${assets[asset]?.name}" stands twice`);
  const zone = twice(zones.map(({ name }) => name));
  if (zone >= 0) fail(['zones', zone, 'name'], `"${zones[zone]?.name}" stands twice`);
  const fungible = new Set(assets.filter(({ type }) => type === 'fungible').map(({ name }) => name));
  const bound = assets.findIndex((entry) => entry.type === 'fungible' && entry.bound);
  if (bound >= 0) fail(['assets', bound, 'bound'], 'only a unique kind can be bound');
  for (const [at, { nodes, width, height, spawn }] of zones.entries()) {
    const node = twice(nodes.map(({ id }) => id));
    if (node >= 0) fail(['zones', at, 'nodes', node, 'id'], `"${nodes[node]?.id}" stands twice`);
    const unknown = nodes.findIndex((entry) => !fungible.has(entry.asset));
    if (unknown >= 0) fail(['zones', at, 'nodes', unknown, 'asset'], `"${nodes[unknown]?.asset}" is not a fungible asset of this file`);
    const outside = nodes.findIndex(({ x, y }) => x > width || y > height);
    if (outside >= 0) fail(['zones', at, 'nodes', outside], 'lies outside the zone');
    if (spawn.x > width || spawn.y > height) fail(['zones', at, 'spawn'], 'lies outside the zone');
  }
  const region = twice(regions);
  if (region >= 0) fail(['regions', region], `"${regions[region]}" stands twice`);
  const board = twice(boards.map(({ name }) => name));
  if (board >= 0) fail(['boards', board, 'name'], `"${boards[board]?.name}" stands twice`);
  for (const [at, { season, regions: own = [] }] of boards.entries()) {
    if (season !== undefined && !isSchedule(season)) fail(['boards', at, 'season'], `"${season}" is no cron pattern that comes again, such as "0 0 * * 1"`);
    const strange = own.findIndex((name, place) => !regions.includes(name) || own.indexOf(name) !== place);
    if (strange >= 0) fail(['boards', at, 'regions', strange], `"${own[strange]}" is no region of this file, or stands twice`);
  }
}

/** Five or six fields, and some day it is due. */
function isSchedule(pattern: string): boolean {
  try {
    return new Cron(pattern, { timezone: 'UTC', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** Where an alias stands that the parser let through, but `toJS` would stumble over. */
function unresolvedAlias(document: Document): number | undefined {
  let at: number | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      at = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return at;
}

/** The line of the node that the path names, or of its nearest parent that exists. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${String(step)}`)).join('') || 'the file';
}
