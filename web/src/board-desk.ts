import type { BoardChoice } from './board-session.ts';
import { openBoardWindow } from './board-window.ts';
import type { ClientSession } from './client-session.ts';
import type { OpenDialog } from './dialog.ts';
import { button, el } from './dom.ts';
import { iconElement } from './icons.ts';

/** The page's way to the leaderboards: a button, and the window, which opens at what was looked at the last time. */
export class BoardDesk {
  readonly element: HTMLElement;
  readonly #session: ClientSession;
  readonly #stop: () => void;
  #window: OpenDialog | undefined;
  #choice: BoardChoice | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
    this.element = button(
      { class: 'who board-open', testid: 'board-open', 'aria-haspopup': 'dialog', 'aria-label': 'Leaderboards', press: () => this.#open() },
      iconElement('leaderboard'), el('span', { class: 'board-open-text' }, 'Leaderboards'));
    this.#stop = session.status.watch((status) => {
      if (status === 'replaced') this.#window?.close();
    });
  }

  close(): void {
    this.#stop();
    this.#window?.close();
  }

  #open(): void {
    this.#window ??= openBoardWindow({
      session: this.#session,
      choice: this.#choice,
      closed: (choice) => {
        this.#window = undefined;
        this.#choice = choice;
      },
    });
  }
}
