const MISSING = '–';
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

type Figure = number | null | undefined;

/** Whole numbers as they are, others with the digits that count; a dash for what is not known. */
export function numberText(value: Figure): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

export const rateText = (perSecond: Figure): string => unit(perSecond, '/s');
export const shareText = (share: Figure): string => (known(share) ? `${Math.round(share * 100)} %` : MISSING);

/** A short time, in milliseconds or, from a second on, in seconds. */
export function delayText(ms: Figure): string {
  return known(ms) && ms >= SECOND_MS ? unit(ms / SECOND_MS, ' s') : unit(ms, ' ms');
}

export function bytesText(bytes: number): string {
  return bytes >= GIBIBYTE ? `${(bytes / GIBIBYTE).toFixed(1)} GiB` : `${Math.round(bytes / MEBIBYTE)} MiB`;
}

/** A long time in its two largest units: `3 d 4 h`, `12 min`, `40 s`. */
export function spanText(ms: number): string {
  const [days, hours, minutes] = [Math.floor(ms / DAY_MS), Math.floor((ms % DAY_MS) / HOUR_MS), Math.floor((ms % HOUR_MS) / MINUTE_MS)];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.max(0, Math.floor(ms / SECOND_MS))} s`;
}

/** `1 player`, `2 players`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

const known = (value: Figure): value is number => value !== null && value !== undefined && Number.isFinite(value);
const unit = (value: Figure, name: string): string => (known(value) ? `${numberText(value)}${name}` : MISSING);
