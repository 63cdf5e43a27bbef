import { openDialog, type OpenDialog } from './dialog.ts';
import { button, el } from './dom.ts';

export interface Question {
  title: string;
  text: string;
  /** What the button that does it says. */
  sure: string;
  testid: string;
  confirmed: () => void;
}

/** A second look at what cannot be taken back; the focus is on the way back. */
export function openConfirm({ title, text, sure, testid, confirmed }: Question): OpenDialog {
  const dialog = openDialog({ label: title, class: 'dialog summary', role: 'alertdialog', testid },
    el('h2', {}, title),
    el('p', { class: 'quiet' }, text),
    el('div', { class: 'actions' },
      button({ class: 'button', testid: `${testid}-back`, autofocus: true, press: () => dialog.close() }, 'Cancel'),
      button({
        class: 'button button-danger', testid: `${testid}-sure`,
        press: () => {
          dialog.close();
          confirmed();
        },
      }, sure)));
  return dialog;
}
