import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { PlayerId } from '../../schema/ids.ts';
import { BrokenInvariant } from '../../schema/invariant.ts';
import { Refusal, type RefusalCode, type RefusalReply } from '../../schema/refusals.ts';

/** What failed, where, and by whose request. */
export type Report = (fault: { ref: string; type: string; error: unknown; player?: PlayerId; command?: unknown }) => void;

/** How many of a body's faults a refusal names. */
const ISSUES_NAMED_MAX = 3;

/**
 * Runs one request to its answer or its refusal; nothing it throws passes. [RM3]
 *
 * A `Refusal` reaches the client with its code. Anything else is reported under `ref` and reaches the client as
 * `INTERNAL`: no driver message, table name or stack ever leaves the process. A broken invariant stops the process.
 */
export async function answer<Shape extends z.ZodType, Answer>(
  type: string,
  shape: Shape,
  body: unknown,
  kit: { report: Report; onRefusal: (code: RefusalCode) => void },
  run: (body: z.output<Shape>) => Promise<Answer> | Answer,
  player?: PlayerId,
): Promise<{ answer: Answer } | { refusal: RefusalReply }> {
  const ref = randomUUID();
  try {
    const parsed = shape.safeParse(body);
    if (!parsed.success) throw badRequest(parsed.error);
    return { answer: await run(parsed.data) };
  } catch (error) {
    if (!(error instanceof Refusal)) kit.report({ ref, type, error, ...(player !== undefined && { player }), command: (body as { commandId?: unknown } | null | undefined)?.commandId });
    if (error instanceof BrokenInvariant) setImmediate(() => process.emit('uncaughtException', error));
    const { code, details } = error instanceof Refusal ? error : new Refusal('INTERNAL');
    kit.onRefusal(code);
    return { refusal: { code, details, ref } };
  }
}

export function badRequest(error: z.ZodError): Refusal {
  const issues = error.issues.slice(0, ISSUES_NAMED_MAX).map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  return new Refusal('BAD_REQUEST', { issues });
}
