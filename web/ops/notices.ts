import { el, fill, setText } from '../src/dom.ts';
import type { Pause } from '../../schema/messages/ops.ts';
import { OpsRefused } from './ask.ts';
import { momentText } from './moment.ts';
import { hashOf } from './route.ts';
import type { Known, StateWatch } from './state-watch.ts';
import { scopeTitle } from './titles.ts';
import { failureText } from './words.ts';

/** What nobody may overlook, on every view: that trading is paused, and that what is shown is old. */
export function notices(watch: StateWatch): HTMLElement {
  const paused = el('div', { class: 'notice notice-paused', hidden: true, testid: 'paused' });
  const away = el('div', { class: 'notice notice-away', hidden: true, testid: 'away' });
  let drawn = '';
  watch.watch((known) => {
    setText(away, awayText(known));
    away.hidden = known.failure === undefined;
    const pauses = known.state?.pauses ?? [];
    // A live region says only what changed.
    const wanted = JSON.stringify(pauses);
    if (wanted === drawn) return;
    drawn = wanted;
    paused.hidden = pauses.length === 0;
    fill(paused, ...pauses.map(pauseLine), el('a', { href: hashOf({ view: 'trading' }) }, 'Resume…'));
  });
  return el('div', { class: 'notices', role: 'status', 'aria-live': 'polite' }, paused, away);
}

function pauseLine({ asset, since, reason }: Pause): HTMLElement {
  return el('p', {}, el('strong', {}, asset === '*' ? 'All trading is paused' : `Trading of ${scopeTitle(asset)} is paused`), ` since ${momentText(since)}: ${reason}`);
}

function awayText({ failure, answeredAt }: Known): string {
  if (failure === undefined) return '';
  const what = failure instanceof OpsRefused ? failureText(failure) : 'The server does not answer.';
  const old = answeredAt === undefined ? '' : ` What you see is from ${momentText(answeredAt)}.`;
  return `${what}${old} Trying again every few seconds…`;
}
