import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { Refusal, REFUSALS, type RefusalReply } from '../../schema/refusals.ts';
import type { Logger } from '../telemetry/index.ts';

export function sendRefusal(response: Response, { code, details }: Refusal, ref: string = randomUUID()): void {
  const reply: RefusalReply = { code, details, ref };
  response.status(REFUSALS[code].status).json(reply);
}

/** The end of every route: a refusal as JSON with its status, everything else as INTERNAL with a `ref` into the log. [RF2] */
export function refusals(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof Refusal) return sendRefusal(response, error);
    if (error instanceof z.ZodError) {
      return sendRefusal(response, new Refusal('BAD_REQUEST', { issues: error.issues.slice(0, 3).map(({ path, message }) => ({ path: path.map(String).join('.'), message })) }));
    }
    // What express and its body parser refuse: malformed JSON, too large, a bad path.
    const status = (error as { status?: unknown }).status;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return sendRefusal(response, new Refusal('BAD_REQUEST', { reason: status === 413 ? 'the body is too large' : 'the request cannot be read' }));
    }
    const ref = randomUUID();
    log.error({ ref, err: error, path: request.path }, 'request failed');
    return sendRefusal(response, new Refusal('INTERNAL'), ref);
  };
}
