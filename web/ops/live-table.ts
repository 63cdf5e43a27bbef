import { el, setText } from '../src/dom.ts';
import { keyedList } from '../src/keyed-list.ts';

export interface Column<Value> {
  title: string;
  text: (value: Value) => string;
  /** Figures stand to the right. */
  isFigure?: boolean;
  /** Sentences may take several lines. */
  isProse?: boolean;
  /** Whether something is wrong there. */
  isBad?: (value: Value) => boolean;
}

export interface LiveTable<Value> {
  element: HTMLElement;
  update(values: readonly Value[]): void;
}

/** A table whose rows stay while their figures change. Too wide for the screen, it scrolls in its own box. The first column names the row. */
export function liveTable<Value>({ label, testid, columns, keyOf, none }: { label: string; testid: string; columns: readonly Column<Value>[]; keyOf: (value: Value) => string; none: string }): LiveTable<Value> {
  const body = el('tbody');
  const classOf = ({ isFigure, isProse }: Column<Value>) => (isFigure ? 'figure' : isProse ? 'prose' : undefined);
  const table = el('table', {}, el('caption', { class: 'sr-only' }, label), el('thead', {}, el('tr', {}, ...columns.map((column) => el('th', { scope: 'col', class: classOf(column) }, column.title)))), body);
  const box = el('div', { class: 'table-box', role: 'region', 'aria-label': label, tabindex: 0 }, table);
  const empty = el('p', { class: 'quiet' }, none);
  const show = keyedList<Value>(body, keyOf, () => {
    const cells = columns.map((column, place) => (place === 0 ? el('th', { scope: 'row', class: classOf(column) }) : el('td', { class: classOf(column) })));
    return {
      element: el('tr', {}, ...cells),
      update(value) {
        for (const [place, { text, isBad }] of columns.entries()) {
          setText(cells[place]!, text(value));
          cells[place]!.classList.toggle('bad', isBad?.(value) ?? false);
        }
      },
    };
  });
  return {
    element: el('div', { testid }, empty, box),
    update(values) {
      show(values);
      empty.hidden = values.length > 0;
      box.hidden = values.length === 0;
    },
  };
}
