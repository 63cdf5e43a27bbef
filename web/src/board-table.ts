import type { BoardRow } from '../../schema/leaderboard.ts';
import type { Movement } from './board-moves.ts';
import { regionTitle } from './board-scope.ts';
import { movementMark, movementText } from './board-text.ts';
import { el, fill, replay, setText } from './dom.ts';
import { keyedList, type Row } from './keyed-list.ts';
import { quantityText } from './quantity-text.ts';
import { slideRows } from './row-slide.ts';

export interface TableRow extends BoardRow {
  self: boolean;
  movement: Movement | undefined;
}

const COLUMNS = 5;
/** Digits and what groups them. */
const LONG_SCORE_LENGTH = 13;

export interface BoardTable {
  element: HTMLElement;
  /** The ranked rows, and below them those around the player, who is not among them. */
  show(rows: readonly TableRow[], around: readonly TableRow[]): void;
}

/** The rows of a board; the player's own stays in sight, however far the others are scrolled. */
export function boardTable(): BoardTable {
  const best = el('tbody', { class: 'board-best', testid: 'board-rows' });
  const near = el('tbody', { class: 'board-near', testid: 'board-near' });
  const showBest = rowList(best, 'board');
  const showNear = rowList(near, 'near', 'Your place');
  return {
    element: el('table', { class: 'board-table' },
      el('thead', {}, el('tr', {},
        el('th', { scope: 'col', class: 'board-rank' }, 'Rank'),
        el('th', { scope: 'col', class: 'board-move' }, el('span', { class: 'sr-only' }, 'Movement')),
        el('th', { scope: 'col', class: 'board-name' }, 'Player'),
        el('th', { scope: 'col', class: 'board-region' }, 'Region'),
        el('th', { scope: 'col', class: 'board-score' }, 'Score'))),
      best, near),
    show(rows, around) {
      showBest(rows);
      showNear(around);
      near.hidden = around.length === 0;
    },
  };
}

/** One body of the table: its rows by player, under a heading where it has one. */
function rowList(body: HTMLElement, testid: string, heading?: string): (rows: readonly TableRow[]) => void {
  const update = keyedList<TableRow | string>(body, keyOf, (entry) => (typeof entry === 'string' ? headingRow(entry) : tableRow(entry, testid)));
  let order = '';
  return (rows) => {
    const entries = heading === undefined ? rows : [heading, ...rows];
    const next = entries.map(keyOf).join();
    if (next === order) return update(entries);
    order = next;
    slideRows(body, () => update(entries));
  };
}

function keyOf(entry: TableRow | string): string {
  return typeof entry === 'string' ? 'heading' : entry.playerId;
}

function headingRow(text: string): Row<unknown> {
  return { element: el('tr', {}, el('th', { scope: 'rowgroup', colspan: COLUMNS }, text)), update: () => undefined };
}

function tableRow(first: TableRow, testid: string): Row<TableRow> {
  const rank = el('td', { class: 'board-rank' });
  const move = el('td', { class: 'board-move' });
  const name = el('strong', { class: 'ellipsis' });
  const under = el('span', { class: 'quiet board-under' });
  const you = el('span', { class: 'tag' }, 'You');
  const region = el('td', { class: 'board-region quiet' });
  const score = el('td', { class: 'board-score' });
  const element = el('tr', { testid: `${testid}-row-${first.playerId}` },
    rank, move,
    el('td', { class: 'board-name' }, el('span', { class: 'board-player' }, el('span', { class: 'row-text' }, name, under), you)),
    region, score);
  const showMove = moveMark(move, `${testid}-move-${first.playerId}`);
  let shown = first;
  return {
    element,
    update(row) {
      setText(rank, quantityText(row.rank));
      element.dataset['rank'] = String(row.rank);
      setText(name, row.name);
      name.title = row.name;
      setText(region, regionTitle(row.region));
      setText(under, row.self ? `You, ${regionTitle(row.region)}` : regionTitle(row.region));
      setText(score, quantityText(row.score));
      score.classList.toggle('board-score-long', score.textContent.length > LONG_SCORE_LENGTH);
      if (row.score !== shown.score) replay(score, 'board-score-changed');
      element.classList.toggle('board-self', row.self);
      you.hidden = !row.self;
      showMove(row.movement);
      shown = row;
    },
  };
}

function moveMark(parent: HTMLElement, testid: string): (movement: Movement | undefined) => void {
  let said = '';
  return (movement) => {
    const text = movement ? movementText(movement) : '';
    if (text !== said) fill(parent, movement && el('span', { class: `move move-${movement.kind}`, role: 'img', 'aria-label': text, testid }, movementMark(movement)));
    said = text;
    parent.firstElementChild?.classList.toggle('move-fading', movement?.fading ?? false);
  };
}
