import type { Movement } from './board-moves.ts';
import { regionTitle } from './board-scope.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

const list = new Intl.ListFormat('en');

/** Which season it is, and for how long still. */
export function seasonText(season: number, endsAt: number | null, nowMs: number): string {
  if (endsAt === null) return `Season ${season}`;
  return `Season ${season}, ${endsAt > nowMs ? `ends in ${durationText(endsAt - nowMs)}` : 'ends now'}`;
}

/** In the two largest units: `3 days 4 hours`, `12 minutes`, `40 seconds`. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / DAY_S), Math.floor((seconds % DAY_S) / HOUR_S), Math.floor((seconds % HOUR_S) / MINUTE_S)];
  if (days > 0) return joined([days, 'day'], [hours, 'hour']);
  if (hours > 0) return joined([hours, 'hour'], [minutes, 'minute']);
  return minutes > 0 ? counted(minutes, 'minute') : counted(seconds, 'second');
}

/** Whose players are not among the rows; empty where nobody's are missing. */
export function missingText(regions: readonly string[]): string {
  const titles = list.format(regions.map(regionTitle));
  if (regions.length === 0) return '';
  return regions.length === 1 ? `The region ${titles} does not answer; its players are not shown.` : `The regions ${titles} do not answer; their players are not shown.`;
}

/** What a screen reader says of an arrow. */
export function movementText(movement: Movement): string {
  return movement.kind === 'new' ? 'new on the board' : `${movement.kind} ${counted(movement.places, 'place')}`;
}

/** What stands in a row: the direction is in the sign as well as in its colour. */
export function movementMark(movement: Movement): string {
  if (movement.kind === 'new') return 'New';
  return `${movement.kind === 'up' ? '▲' : '▼'} ${movement.places}`;
}

/** Why the player has no place among those that are ranked here. */
export function unplacedText(home: string | undefined, region: string, regions: readonly string[]): string {
  const elsewhere = home !== undefined && regions.includes(home) && regions.includes(region) && home !== region;
  return elsewhere ? `You are not ranked here: your region is ${regionTitle(home)}.` : 'You have no place on this board yet.';
}

function joined(...parts: [number, string][]): string {
  return parts.filter(([count]) => count > 0).map(([count, unit]) => counted(count, unit)).join(' ');
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
