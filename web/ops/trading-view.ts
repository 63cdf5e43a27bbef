import type { Pause } from '../../schema/messages/ops.ts';
import { button, el, fill } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { openDeed } from './deed-dialog.ts';
import { momentElement } from './moment.ts';
import type { StateWatch } from './state-watch.ts';
import { assetsByTitle, scopeTitle } from './titles.ts';
import { heading, section, type View } from './view.ts';

/** What is paused, and the way to stop trading: all of it, or of one thing. */
export function tradingView(watch: StateWatch): View {
  const paused = el('div', { testid: 'pauses' }, el('p', { class: 'quiet' }, 'Loading…'));
  const scope = el('select', { id: 'pause-scope', testid: 'pause-scope' });
  const changed = () => watch.refresh();
  let drawn = '';
  const unwatch = watch.watch(({ state }) => {
    const wanted = JSON.stringify([state?.pauses, state?.assets]);
    if (state === undefined || wanted === drawn) return;
    drawn = wanted;
    const chosen = scope.value || '*';
    fill(scope, ...['*', ...assetsByTitle().map(({ name }) => name)].map((asset) => el('option', { value: asset, selected: asset === chosen }, asset === '*' ? 'Everything' : scopeTitle(asset))));
    fill(paused, state.pauses.length === 0 ? el('p', { class: 'quiet' }, 'Nothing: everything is traded.') : el('ul', { class: 'lines' }, ...state.pauses.map((pause) => pauseLine(pause, changed))));
  });
  return {
    title: 'Trading',
    element: el('div', { class: 'view view-narrow' },
      heading('Trading'),
      section('Paused', {}, paused),
      section('Pause', {},
        el('p', { class: 'quiet' }, 'What is paused does not go from one holder to another: no trade, no guild bank. What is gathered, granted or taken away goes on.'),
        el('form', {
          class: 'form form-line',
          on: {
            submit: (event) => {
              event.preventDefault();
              change(scope.value, true, changed);
            },
          },
        },
          el('label', { for: 'pause-scope' }, 'What'),
          el('div', { class: 'line' }, scope, el('button', { type: 'submit', class: 'button button-danger', testid: 'pause' }, 'Pause…'))))),
    close: unwatch,
  };
}

function pauseLine({ asset, since, reason }: Pause, changed: () => void): HTMLElement {
  return el('li', {},
    el('span', { class: 'item-name' }, el('strong', {}, asset === '*' ? 'Everything' : scopeTitle(asset)), el('span', { class: 'quiet' }, 'since ', momentElement(since), `: ${reason}`)),
    button({ class: 'button button-small', testid: `resume-${asset}`, press: () => change(asset, false, changed) }, 'Resume…'));
}

function change(asset: string, paused: boolean, acted: () => void): void {
  const what = scopeTitle(asset);
  openDeed({
    key: `${paused ? 'pause' : 'resume'}:${asset}`,
    title: `${paused ? 'Pause' : 'Resume'} ${asset === '*' ? 'all trading' : `trading of ${what}`}`,
    effects: [el('p', { class: 'quiet' }, paused
      ? `From now on ${asset === '*' ? 'nothing' : `no ${what}`} goes from one player to another or to a guild, on all processes, until it is resumed. Trades that are open stay open.`
      : `From now on ${what} may be traded again${asset === '*' ? ', except what is paused by itself' : ''}.`)],
    sure: paused ? 'Pause' : 'Resume',
    isHarsh: paused,
    act: (commandId, reason) => opsApi.setPause({ commandId, asset, paused, reason }),
    done: `Trading of ${what} is ${paused ? 'paused' : 'resumed'}.`,
    acted,
  });
}
