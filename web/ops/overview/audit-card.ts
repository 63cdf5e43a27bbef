import type { AuditState } from '../../../schema/messages/ops.ts';
import { el, fill } from '../../src/dom.ts';
import { countText } from '../figures.ts';
import { momentElement } from '../moment.ts';
import { section } from '../view.ts';

/** What the last audit found; it reads every ledger there is. */
export function auditCard(): { element: HTMLElement; update(audit: AuditState | null): void } {
  const body = el('div', { class: 'audit' }, el('p', { class: 'quiet' }, 'Loading…'));
  let drawn = '';
  return {
    element: section('Last audit', { testid: 'audit' }, body),
    update(audit) {
      if (JSON.stringify(audit) === drawn) return;
      drawn = JSON.stringify(audit);
      fill(body, ...linesOf(audit));
    },
  };
}

/** A run that did not end yet says nothing. */
export function auditOutcome(audit: AuditState | null): 'none' | 'running' | 'green' | 'red' {
  if (audit === null) return 'none';
  if (audit.endedAt === null) return 'running';
  return audit.violations === 0 ? 'green' : 'red';
}

function linesOf(audit: AuditState | null): HTMLElement[] {
  if (audit === null) return [el('p', { class: 'quiet' }, 'None ran by itself yet; AUDIT_INTERVAL_MS says how often one does.')];
  const { startedAt, endedAt, violations, problems } = audit;
  if (endedAt === null) return [el('p', {}, 'Running since ', momentElement(startedAt), '.')];
  const isGreen = auditOutcome(audit) === 'green';
  return [
    el('p', {}, el('span', { class: `badge ${isGreen ? 'badge-good' : 'badge-bad'}` }, isGreen ? '✓ Green' : `✗ Red: ${countText(violations ?? 0, 'violation')}`), ' ', momentElement(endedAt)),
    problems.length > 0 ? el('ul', { class: 'problems' }, ...problems.map((problem) => el('li', {}, problem))) : el('p', { class: 'quiet' }, 'Every invariant holds on all shards.'),
  ];
}
