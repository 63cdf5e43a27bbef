import type { BoardInfo } from '../../schema/leaderboard.ts';
import { boardFace, type BoardFace } from './board-face.ts';
import { boardList, keepUp, loadBoards } from './board-list.ts';
import { ALL_REGIONS, scopesOf } from './board-scope.ts';
import { BoardSession, type BoardChoice } from './board-session.ts';
import { seasonText } from './board-text.ts';
import { choiceBar } from './choice-bar.ts';
import type { ClientSession } from './client-session.ts';
import { openDialog, type OpenDialog } from './dialog.ts';
import { button, el, fill, setText } from './dom.ts';
import { windowHint } from './hints.ts';
import { serverNow } from './server-clock.ts';

export interface BoardWindowOptions {
  session: ClientSession;
  /** What was looked at the last time. */
  choice: BoardChoice | undefined;
  closed: (choice: BoardChoice | undefined) => void;
}

const PANEL = 'board-panel';
/** The countdown goes on, and arrows fade. */
const TICK_MS = 1_000;

/** The leaderboards on screen: which board, of whom, and its rows while they change. */
export function openBoardWindow({ session, choice: first, closed }: BoardWindowOptions): OpenDialog {
  const boards = new BoardSession(session);
  const title = el('h2', { tabindex: '-1', autofocus: true, testid: 'board-title' });
  const season = el('span', { testid: 'board-season' });
  const standing = el('span', { 'aria-live': 'polite', testid: 'board-standing' });
  const bars = {
    boards: choiceBar({ label: 'Board', testid: 'board-tab', panel: PANEL, choose: (board) => choose({ board, scope: boards.choice.get()?.scope ?? ALL_REGIONS }) }),
    scopes: choiceBar({ label: 'Region', testid: 'board-scope', panel: PANEL, choose: (scope) => choose({ board: boards.choice.get()?.board ?? '', scope }) }),
  };
  const choices = el('div', { class: 'board-choices' }, bars.boards.element, bars.scopes.element);
  const panel = el('div', { class: 'board-panel', role: 'tabpanel', id: PANEL });
  const nothing = el('p', { role: 'status', testid: 'board-none' });
  const again = button({ class: 'button', testid: 'board-list-again', press: () => void loadBoards() }, 'Try again');
  const without = el('div', { class: 'window-waiting' }, nothing, again);
  let shown: { key: string; face: BoardFace } | undefined;

  const dialog = openDialog(
    {
      label: 'Leaderboards', class: 'dialog trade window boards', testid: 'board-window',
      closed() {
        clearInterval(tick);
        for (const stop of stops) stop();
        boards.close();
        closed(boards.choice.get());
      },
    },
    el('header', { class: 'trade-head' },
      el('div', { class: 'window-titles' }, title, el('p', { class: 'quiet' }, season, standing)),
      button({ class: 'icon-button', 'aria-label': 'Close', testid: 'board-close', press: () => dialog.close() }, '×')),
    windowHint('boards'), choices, panel, without);
  const stops = [
    boardList.watchNow(settle),
    ...[boards.standing, boards.top, boards.asked, boards.problem, session.player].map((cell) => cell.watch(show)),
  ];
  const tick = setInterval(() => {
    const info = chosenInfo();
    if (info) keepUp(info, boards.top.get()?.rows.season);
    show();
  }, TICK_MS);
  void loadBoards();
  return dialog;

  function chosenInfo(): BoardInfo | undefined {
    return boardList.get().boards?.find(({ name }) => name === boards.choice.get()?.board);
  }

  /** The catalogue's boards change while the server runs: what is not there any more gives way to the first. */
  function settle(): void {
    choose(boards.choice.get() ?? first ?? { board: '', scope: ALL_REGIONS });
  }

  function choose({ board, scope }: BoardChoice): void {
    const list = boardList.get().boards ?? [];
    const info = list.find(({ name }) => name === board) ?? list[0];
    if (info) boards.choose({ board: info.name, scope: scopesOf(info).some(({ name }) => name === scope) ? scope : ALL_REGIONS });
    show();
  }

  function show(): void {
    const [info, choice] = [chosenInfo(), boards.choice.get()];
    choices.hidden = panel.hidden = !info;
    without.hidden = info !== undefined;
    setText(title, info?.title ?? 'Leaderboards');
    if (info && choice) showBoard(info, choice);
    else showNone();
  }

  function showBoard(info: BoardInfo, choice: BoardChoice): void {
    bars.boards.show(boardList.get().boards?.map(({ name, title }) => ({ name, label: title })) ?? [], choice.board);
    bars.scopes.show(scopesOf(info), choice.scope);
    const running = boards.top.get()?.rows.season ?? info.season;
    setText(season, seasonText(running, running === info.season ? info.endsAt : null, serverNow()));
    setText(standing, boards.standing.get() === 'dropped' ? ' The connection dropped. Coming back…' : '');
    const key = `${choice.board} ${choice.scope}`;
    if (shown?.key !== key) turnTo(key, info, choice);
    shown?.face.show();
  }

  function turnTo(key: string, info: BoardInfo, { board, scope }: BoardChoice): void {
    shown = { key, face: boardFace(boards, session, { info, scope }) };
    panel.setAttribute('aria-labelledby', `${bars.boards.idOf(board)} ${bars.scopes.idOf(scope)}`);
    fill(panel, shown.face.element);
  }

  function showNone(): void {
    const { boards: list, failed } = boardList.get();
    setText(nothing, list ? 'There are no leaderboards here.' : failed ? 'The leaderboards cannot be read at the moment.' : 'Looking up the leaderboards…');
    again.hidden = list !== undefined || !failed;
  }
}
