import type { CommandId } from '../../schema/ids.ts';

/** What was asked for without an answer: asked for again with the same id, it happens once. */
export interface Unanswered {
  commandId: CommandId;
  reason: string;
}

const PREFIX = 'ops-unanswered:';

/** Kept over a reload of the page, by what the deed does to whom. */
export function unansweredOf(deed: string): Unanswered | undefined {
  const kept = sessionStorage.getItem(PREFIX + deed);
  return kept === null ? undefined : (JSON.parse(kept) as Unanswered);
}

export function keepUnanswered(deed: string, unanswered: Unanswered): void {
  sessionStorage.setItem(PREFIX + deed, JSON.stringify(unanswered));
}

export function forgetUnanswered(deed: string): void {
  sessionStorage.removeItem(PREFIX + deed);
}
