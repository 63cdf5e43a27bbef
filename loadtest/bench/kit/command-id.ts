import { randomUUID } from 'node:crypto';
import type { CommandId } from '../../../schema/ids.ts';

/** A client's, as it comes from its socket: in one piece. Node's own is put together of many, which are looked through by whoever keeps it. */
export const newCommandId = (): CommandId => Buffer.from(randomUUID(), 'latin1').toString('latin1') as CommandId;
