import type { FoundPlayer } from '../../schema/messages/ops.ts';
import { el, fill } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { countText } from './figures.ts';
import { hashOf, idIn, type Route } from './route.ts';
import { heading, section, type View } from './view.ts';
import { failureText, shortId } from './words.ts';

/** As many as the server names. */
const FOUND_MAX = 50;

/** Where support begins: a player by name or id, an item or a transaction by its id. */
export function findView(text: string): View {
  const results = el('div', { class: 'results', role: 'status', 'aria-live': 'polite', testid: 'results' });
  const name = el('input', { type: 'search', id: 'find-player', value: text, maxlength: 64, autocomplete: 'off', spellcheck: 'false', testid: 'find-player' });
  const search = el('form', { class: 'form form-line', role: 'search', on: { submit } },
    el('label', { for: 'find-player' }, 'Beginning of a name, or an id'),
    el('div', { class: 'line' }, name, el('button', { type: 'submit', class: 'button button-primary', testid: 'find-submit' }, 'Find')));
  let isClosed = false;
  if (text !== '') void find();

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const wanted = hashOf({ view: 'find', text: name.value.trim() });
    if (wanted === location.hash) void find();
    else location.hash = wanted;
  }

  async function find(): Promise<void> {
    const drawn = await opsApi.find(text).then(found, (error: unknown) => [el('p', { class: 'problem' }, failureText(error))]);
    if (!isClosed) fill(results, ...drawn);
  }

  return {
    title: 'Support',
    element: el('div', { class: 'view view-narrow' },
      heading('Support'),
      section('Find a player', {}, search, results),
      section('Open a record', { class: 'records' },
        recordForm('item', 'Item’s id, for its history', (id) => ({ view: 'item', id }) as Route),
        recordForm('trade', 'Transaction’s id, for its record', (id) => ({ view: 'trade', id }) as Route))),
    close: () => (isClosed = true),
  };
}

function found(players: readonly FoundPlayer[]): HTMLElement[] {
  if (players.length === 0) return [el('p', { class: 'quiet' }, 'Nobody is called that.')];
  return [
    el('p', { class: 'quiet' }, players.length >= FOUND_MAX ? `The first ${FOUND_MAX}; more letters find fewer.` : `${countText(players.length, 'player')} found.`),
    el('ul', { class: 'found' }, ...players.map(({ id, name, region, level, frozen }) =>
      el('li', {}, el('a', { href: hashOf({ view: 'player', id }), testid: `found-${id}` },
        el('strong', {}, name), frozen && el('span', { class: 'badge badge-bad' }, 'Frozen'), el('span', { class: 'quiet' }, `level ${level}, ${region}, ${shortId(id)}`))))),
  ];
}

function recordForm(name: string, label: string, route: (id: string) => Route): HTMLElement {
  const input = el('input', { type: 'text', id: `open-${name}`, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': `open-${name}-problem`, testid: `open-${name}` });
  const problem = el('p', { class: 'form-problem', role: 'alert', id: `open-${name}-problem` });
  return el('form', {
    class: 'form form-line',
    on: {
      submit: (event) => {
        event.preventDefault();
        const id = idIn(input.value);
        input.ariaInvalid = String(id === undefined);
        if (id === undefined) fill(problem, 'That is no id.');
        else location.hash = hashOf(route(id));
      },
    },
  },
    el('label', { for: `open-${name}` }, label),
    el('div', { class: 'line' }, input, el('button', { type: 'submit', class: 'button' }, 'Open')), problem);
}
