import type { Fault } from '../../../schema/messages/ops.ts';
import { el, fill } from '../../src/dom.ts';
import { momentElement } from '../moment.ts';

const SHOWN_MAX = 50;

/** What the logs had at level error or above. */
export function faultList(): { element: HTMLElement; update(faults: readonly Fault[]): void } {
  const element = el('div', { testid: 'faults' }, el('p', { class: 'quiet' }, 'Loading…'));
  let drawn = '';
  return {
    element,
    update(faults) {
      if (JSON.stringify(faults) === drawn) return;
      drawn = JSON.stringify(faults);
      if (faults.length === 0) return fill(element, el('p', { class: 'quiet' }, 'None: no process logged an error.'));
      fill(element, el('ol', { class: 'faults', tabindex: 0, 'aria-label': 'Recent faults, the newest first' }, ...faults.slice(0, SHOWN_MAX).map(({ at, level, message }) =>
        el('li', {}, momentElement(at), el('span', { class: `badge ${level === 'fatal' ? 'badge-bad' : 'badge-warn'}` }, level), el('span', {}, message)))));
    },
  };
}
