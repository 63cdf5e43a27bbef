import { createHash } from 'node:crypto';
import type { CommandId } from '../../schema/ids.ts';

/** The command id of what must happen once, however many ask for it: the same for the same deed. */
export function derivedId(deed: string): CommandId {
  const hex = createHash('sha256').update(deed).digest('hex');
  // RFC 9562, version 8: the other bits are the application's own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}` as CommandId;
}
