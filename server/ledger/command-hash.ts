import { hash } from 'node:crypto';

/** The hash of what a command asked, whatever the order of its keys: the same id must ask the same. [KE2] */
export function hashCommand(type: string, payload: unknown): Buffer {
  return hash('sha256', JSON.stringify([type, sorted(payload)]), 'buffer');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
