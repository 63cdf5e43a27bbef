import { hash } from 'node:crypto';

/** The hash of what a command asked, whatever the order of its keys: the same id must ask the same. [KE2] */
export function hashCommand(type: string, payload: unknown): Buffer {
  // A buffer that Node makes by itself has memory of its own outside of the heap, and costs as much as the hash.
  return Buffer.from(hash('sha256', `[${JSON.stringify(type)},${canonical(payload) ?? 'null'}]`, 'binary'), 'binary');
}

/** JSON with the keys of objects in order, see RFC 8785, 3.2.3; undefined for what JSON does not know. */
function canonical(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((inner) => canonical(inner) ?? 'null').join(',')}]`;
  const keys = Object.keys(value);
  if (isCanonical(keys, value as Record<string, unknown>)) return JSON.stringify(value);
  const members: string[] = [];
  for (const key of keys.sort()) {
    const inner = canonical((value as Record<string, unknown>)[key]);
    if (inner !== undefined) members.push(`${JSON.stringify(key)}:${inner}`);
  }
  return `{${members.join(',')}}`;
}

/** Whether the keys are in order already, and nothing is below them. */
function isCanonical(keys: readonly string[], value: Record<string, unknown>): boolean {
  return keys.every((key, at) => (at === 0 || (keys[at - 1] as string) < key) && (typeof value[key] !== 'object' || value[key] === null));
}
