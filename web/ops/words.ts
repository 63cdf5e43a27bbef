import { REFUSALS, type RefusalDetails, type RefusalReply } from '../../schema/refusals.ts';
import type { Obstacle } from '../../schema/messages/ops.ts';
import { quantityText } from '../src/quantity-text.ts';
import { NoAnswer, OpsRefused } from './ask.ts';
import { titleOf } from './titles.ts';

/** Names by id; who has none is no player. */
export type Names = Readonly<Record<string, string>>;

/** Why value moved, as the ledger says it. */
const REASONS: Record<string, string> = {
  trade: 'Trade', gather: 'Gathered', grant: 'Granted', burn: 'Taken away', guild: 'Guild bank', reversal: 'Reversal by support',
};

export function reasonText(reason: string): string {
  return REASONS[reason] ?? (reason === '' ? 'Other' : reason.replace(/^./, (first) => first.toUpperCase()));
}

/** Enough of an id to tell it from others. */
export function shortId(id: string): string {
  return `${id.slice(0, 4)}…${id.slice(-6)}`;
}

export function nameOf(id: string | null, names: Names): string {
  if (id === null) return 'nobody';
  return names[id] ?? `guild bank ${shortId(id)}`;
}

/** One sentence for what stands in the way of a reversal. */
export function obstacleText(obstacle: Obstacle, names: Names): string {
  switch (obstacle.code) {
    case 'NOT_OWNER': {
      const what = obstacle.kind === null ? `The item ${shortId(obstacle.item)}` : `${titleOf(obstacle.kind)} ${shortId(obstacle.item)}`;
      if (obstacle.holder === null) return `${what} is gone: it was destroyed after the trade.`;
      return `${what} moved on or changed after the trade: ${nameOf(obstacle.holder, names)} holds it now, at version ${obstacle.version}.`;
    }
    case 'ITEM_BOUND':
      return `${obstacle.kind === null ? 'The item' : titleOf(obstacle.kind)} ${shortId(obstacle.item)} is bound to ${nameOf(obstacle.holder, names)} and cannot leave.`;
    case 'INSUFFICIENT':
      return `${nameOf(obstacle.holder, names)} has ${quantityText(obstacle.held)} ${titleOf(obstacle.asset)} left; ${quantityText(obstacle.needed)} would go back.`;
  }
}

/** A refusal in words, with all that the server says about it. */
export function refusalText({ code, details, ref }: RefusalReply, names: Names = {}): string {
  const said = REFUSALS[code]?.text ?? 'The server refused that.';
  const more = [...reasonsIn(details), ...obstaclesIn(details).map((obstacle) => obstacleText(obstacle, names))];
  if (code === 'INTERNAL') more.push(`The log has it under ${ref}.`);
  return [said, ...more].join(' ');
}

/** The sentence for anything that was thrown. */
export function failureText(error: unknown, names?: Names): string {
  if (error instanceof OpsRefused) return refusalText(error.reply, names);
  if (error instanceof NoAnswer) return 'The server did not answer.';
  console.error(error);
  return 'Something went wrong on this page.';
}

export function obstaclesIn(details: RefusalDetails): Obstacle[] {
  return Array.isArray(details['obstacles']) ? (details['obstacles'] as Obstacle[]) : [];
}

function reasonsIn({ reason, issues }: RefusalDetails): string[] {
  const wrong = Array.isArray(issues) ? (issues as { path: string; message: string }[]).map(({ path, message }) => `${path}: ${message}`) : [];
  return [...(typeof reason === 'string' ? [reason] : []), ...wrong].map((text) => `${text.replace(/^./, (first) => first.toUpperCase()).replace(/[.]$/, '')}.`);
}
