import type { CommandId } from '../../schema/ids.ts';
import { openDialog } from '../src/dialog.ts';
import { button, el, setText, type Child } from '../src/dom.ts';
import { toast } from '../src/toasts.ts';
import { NoAnswer } from './ask.ts';
import { forgetUnanswered, keepUnanswered, unansweredOf } from './unanswered.ts';
import { failureText, type Names } from './words.ts';

const REASON_LENGTH = { min: 3, max: 500 };

export interface Deed {
  /** What it does to whom: asked for again it is the same deed. */
  key: string;
  title: string;
  /** What it will do, exactly. */
  effects: Child[];
  /** What the button that does it says. */
  sure: string;
  isHarsh?: boolean;
  /** For what the server says of players when it refuses. */
  names?: Names;
  act: (commandId: CommandId, reason: string) => Promise<unknown>;
  /** The sentence for when it is done. */
  done: string;
  acted: () => void;
}

/**
 * Asks for the reason, without which support does nothing, and does it. Where the answer is lost the same command is sent again,
 * with the same reason, until it is answered: the server acts once.
 */
export function openDeed(deed: Deed): void {
  const lost = unansweredOf(deed.key);
  let commandId = lost?.commandId ?? newCommandId();
  const reason = el('textarea', {
    id: 'deed-reason', class: 'deed-reason', rows: 3, maxlength: REASON_LENGTH.max, required: true, autofocus: true, 'aria-describedby': 'deed-problem', testid: 'deed-reason',
  });
  const problem = el('p', { id: 'deed-problem', class: 'form-problem', role: 'alert', testid: 'deed-problem' });
  const sure = el('button', { type: 'submit', class: `button ${deed.isHarsh ? 'button-danger' : 'button-primary'}`, testid: 'deed-sure' }, deed.sure);
  const dialog = openDialog({ label: deed.title, class: 'dialog deed', testid: 'deed-dialog' },
    el('h2', {}, deed.title),
    ...deed.effects,
    el('form', { class: 'form', novalidate: true, on: { submit } },
      el('label', { for: 'deed-reason' }, 'Reason, for whoever asks later'), reason, problem,
      el('div', { class: 'actions' }, button({ class: 'button', testid: 'deed-cancel', press: () => dialog.close() }, 'Cancel'), sure)));
  if (lost !== undefined) waitForAnswer(lost.reason);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const given = reason.value.trim();
    reason.ariaInvalid = String(given.length < REASON_LENGTH.min);
    if (given.length < REASON_LENGTH.min) {
      setText(problem, `Say why, in ${REASON_LENGTH.min} letters or more.`);
      reason.focus();
    } else if (sure.ariaBusy !== 'true') void act(given);
  }

  async function act(given: string): Promise<void> {
    // Disabling it would take the focus away.
    sure.ariaBusy = 'true';
    setText(problem, '');
    keepUnanswered(deed.key, { commandId, reason: given });
    try {
      await deed.act(commandId, given);
      forgetUnanswered(deed.key);
      dialog.close();
      toast(deed.done, 'good');
      deed.acted();
    } catch (error) {
      if (error instanceof NoAnswer) return waitForAnswer(given);
      forgetUnanswered(deed.key);
      // A refused command is over; another try is another one.
      commandId = newCommandId();
      reason.readOnly = false;
      setText(problem, failureText(error, deed.names));
      deed.acted();
    } finally {
      sure.ariaBusy = null;
    }
  }

  function waitForAnswer(given: string): void {
    reason.value = given;
    reason.readOnly = true;
    setText(problem, 'The server did not answer, so it may be done or not. Try again: it happens once.');
    setText(sure, 'Try again');
  }
}

const newCommandId = (): CommandId => crypto.randomUUID() as CommandId;
