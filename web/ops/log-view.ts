import type { TransactionId } from '../../schema/ids.ts';
import type { EntriesAnswer, SupportAction, SupportEntry } from '../../schema/messages/ops.ts';
import { button, el, setText, type Child } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { holderLink, tradeLink } from './links.ts';
import { momentElement } from './moment.ts';
import { scopeTitle, titlesSettled } from './titles.ts';
import { heading, section, type View } from './view.ts';
import { failureText, type Names } from './words.ts';

const PAGE = 50;

const DONE: Record<SupportAction, string> = { freeze: 'Froze', unfreeze: 'Thawed', pause: 'Paused', resume: 'Resumed', reverse: 'Reversed', erase: 'Erased' };

/** What support did, the newest first, further back page by page. */
export function logView(): View {
  const list = el('ol', { class: 'log', testid: 'log' });
  const said = el('p', { class: 'quiet', role: 'status' }, 'Loading…');
  const older = button({ class: 'button', testid: 'log-older', hidden: true, press: () => void load() }, 'Older');
  const shown = new Set<string>();
  let before: number | undefined;
  void load();

  async function load(): Promise<void> {
    if (older.ariaBusy === 'true') return;
    older.ariaBusy = 'true';
    try {
      const [answer] = await Promise.all([opsApi.entries(before, PAGE), titlesSettled]);
      show(answer);
    } catch (error) {
      setText(said, failureText(error));
      setText(older, 'Try again');
      older.hidden = false;
    } finally {
      older.ariaBusy = null;
    }
  }

  function show({ entries, names }: EntriesAnswer): void {
    const fresh = entries.filter(({ id }) => !shown.has(id));
    for (const { id } of fresh) shown.add(id);
    list.append(...fresh.map((entry) => entryLine(entry, names)));
    // Of those of the same millisecond some may be on the next page.
    before = (entries.at(-1)?.at ?? 0) + 1;
    older.hidden = entries.length < PAGE || fresh.length === 0;
    setText(older, 'Older');
    setText(said, shown.size === 0 ? 'Support did nothing yet.' : older.hidden ? 'That is all.' : '');
  }

  return { title: 'Log', element: el('div', { class: 'view view-narrow' }, heading('Log'), section('What support did', {}, list, said, older)) };
}

function entryLine({ at, action, target, reason }: SupportEntry, names: Names): HTMLElement {
  return el('li', { testid: `entry-${action}` },
    el('p', {}, el('strong', {}, DONE[action]), ' ', about(action, target, names)),
    el('p', {}, reason),
    el('p', { class: 'quiet' }, momentElement(at)));
}

function about(action: SupportAction, target: string, names: Names): Child {
  if (action === 'pause' || action === 'resume') return scopeTitle(target);
  if (action === 'reverse') return el('span', {}, 'trade ', tradeLink(target as TransactionId));
  return holderLink(target, names);
}
