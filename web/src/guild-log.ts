import type { GuildLogEntry } from '../../schema/guild.ts';
import { el, setText } from './dom.ts';
import type { GuildPanel } from './guild-panel.ts';
import { newsText } from './guild-news.ts';
import type { GuildSession } from './guild-session.ts';
import { keyedList } from './keyed-list.ts';
import { timeElement } from './time-text.ts';

/** What happened, the newest first, in sentences. */
export function guildLog(guild: GuildSession): GuildPanel {
  const rows = el('ol', { class: 'rows guild-log', testid: 'guild-log' });
  const empty = el('p', { class: 'quiet' }, 'Nothing to read here yet.');
  const showRows = keyedList<GuildLogEntry>(rows, ({ seq }) => String(seq), ({ at }) => {
    const text = el('span');
    return {
      element: el('li', { class: 'guild-line' }, timeElement(at), text),
      // Titles of assets may come later than the line.
      update: (line) => setText(text, newsText(line, guild.selfId)),
    };
  });
  return {
    element: el('div', {}, rows, empty),
    show(view) {
      showRows(view.log);
      empty.hidden = view.log.length > 0;
    },
  };
}
