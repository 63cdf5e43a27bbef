import type { BoardInfo } from '../../schema/leaderboard.ts';
import { movementOf, type MovingRows } from './board-moves.ts';
import { MY_GUILD, regionOf } from './board-scope.ts';
import type { BoardSession } from './board-session.ts';
import { boardTable, type TableRow } from './board-table.ts';
import { missingText, unplacedText } from './board-text.ts';
import { hasPlayer } from './board-view.ts';
import type { ClientSession } from './client-session.ts';
import { button, el, setText } from './dom.ts';

export interface BoardFace {
  element: HTMLElement;
  show(): void;
}

/** One board of one scope on screen: its rows, or why there are none. */
export function boardFace(boards: BoardSession, session: ClientSession, { info, scope }: { info: BoardInfo; scope: string }): BoardFace {
  const ofGuild = scope === MY_GUILD;
  const missing = el('p', { class: 'warning board-missing', role: 'status', testid: 'board-missing' });
  const table = boardTable();
  const rows = el('div', { class: 'board-scroll', tabindex: '0', role: 'region', 'aria-label': 'Ranking', testid: 'board-scroll' }, table.element);
  const waiting = el('div', { class: 'window-waiting board-waiting' }, el('span', { class: 'spinner', 'aria-hidden': 'true' }), el('p', {}, 'Opening the board…'));
  const empty = el('p', { class: 'quiet', testid: 'board-empty' });
  const emptiness = el('div', { class: 'window-waiting' }, empty);
  const shut = el('div', { class: 'window-waiting' },
    el('p', { role: 'status', testid: 'board-shut' }, 'The board cannot be opened at the moment.'),
    button({ class: 'button', testid: 'board-again', press: () => boards.comeBack() }, 'Try again'));
  const unplaced = el('p', { class: 'quiet board-unplaced', testid: 'board-unplaced' });
  return {
    element: el('div', { class: 'board-face' }, missing, rows, waiting, emptiness, shut, unplaced),
    show,
  };

  function show(): void {
    const standing = boards.standing.get();
    const player = session.player.get();
    const [top, asked] = [boards.top.get(), boards.asked.get()];
    const best = ofGuild ? asked : top;
    const around = ofGuild || !top || hasPlayer(top.rows, player?.playerId) ? undefined : asked;
    const isShut = standing === 'gone' || standing === 'lost';
    const reason = isShut ? '' : emptyText(best);
    const isFull = !isShut && !reason && best !== undefined;
    if (isFull) table.show(tableRows(best, player?.playerId), tableRows(around, player?.playerId));
    setText(missing, missingText(isShut ? [] : (best?.rows.missing ?? [])));
    missing.hidden = missing.textContent === '';
    setText(empty, reason);
    setText(unplaced, unplacedText(player?.region, regionOf(scope), info.regions));
    rows.hidden = !isFull;
    emptiness.hidden = !reason;
    shut.hidden = !isShut;
    waiting.hidden = isShut || isFull || reason !== '';
    unplaced.hidden = !isFull || around?.rows.rows.length !== 0;
  }

  /** Why nobody stands there; empty while somebody does, or may. */
  function emptyText(best: MovingRows | undefined): string {
    if (ofGuild && session.player.get()?.guildId === '') return 'You are in no guild. Once you are, its members are ranked here among themselves.';
    if (best?.rows.rows.length === 0) return ofGuild ? 'Nobody in your guild has a score on this board yet.' : 'Nobody has a score here yet.';
    return best ? '' : boards.problem.get();
  }
}

function tableRows(moving: MovingRows | undefined, selfId: string | undefined): TableRow[] {
  const nowMs = Date.now();
  return moving?.rows.rows.map((row) => ({ ...row, self: row.playerId === selfId, movement: movementOf(moving, row, nowMs) })) ?? [];
}
