import express, { type RequestHandler } from 'express';
import { Refusal } from '../../schema/refusals.ts';

/** What reads a body calls itself for each level of it, and has only so much stack. */
const DEPTH_MAX = 100;
const [QUOTE, BACKSLASH, ARRAY, ARRAY_END, OBJECT, OBJECT_END] = Buffer.from('"\\[]{}');

/** Reads a JSON body of at most so many bytes, as body-parser writes it (`16kb`). @throws {Refusal} BAD_REQUEST for one that is nested more than 100 levels deep. [RF2] */
export function jsonBody(limit: string): RequestHandler {
  return express.json({
    limit,
    strict: true,
    verify: (_request, _response, body) => {
      if (depthOf(body) > DEPTH_MAX) throw new Refusal('BAD_REQUEST', { reason: `the body is nested more than ${DEPTH_MAX} levels deep` });
    },
  });
}

/** How deep its brackets go, whatever else is wrong with it; those in texts do not count. Pure. */
export function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inText && byte === BACKSLASH) at++;
    else if (byte === QUOTE) inText = !inText;
    else if (!inText && (byte === ARRAY || byte === OBJECT)) deepest = Math.max(deepest, ++depth);
    else if (!inText && (byte === ARRAY_END || byte === OBJECT_END)) depth--;
  }
  return deepest;
}
