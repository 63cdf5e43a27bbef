import type { ClientSession } from './client-session.ts';
import type { OpenDialog } from './dialog.ts';
import { button, el, setText } from './dom.ts';
import { newsText, readNews } from './guild-news.ts';
import { GuildSession } from './guild-session.ts';
import { openGuildWindow } from './guild-window.ts';
import { iconElement } from './icons.ts';
import { toast } from './toasts.ts';
import type { ZoneModel } from './zone-model.ts';

/** What is not worth interrupting anybody for: it stands in the log. */
const QUIET_EVENTS: ReadonlySet<string> = new Set(['create', 'invite']);

/** The page's way to the guild: a button that counts invitations, the window, and a word about what others do. */
export class GuildDesk {
  readonly element: HTMLElement;
  readonly #session: ClientSession;
  readonly #model: ZoneModel;
  readonly #guild: GuildSession;
  readonly #count = el('span', { class: 'guild-count', testid: 'guild-count', hidden: true });
  #window: OpenDialog | undefined;

  constructor(session: ClientSession, model: ZoneModel) {
    this.#session = session;
    this.#model = model;
    this.#guild = new GuildSession(session);
    this.element = button(
      { class: 'who guild-open', testid: 'guild-open', 'aria-haspopup': 'dialog', press: () => this.#open() },
      iconElement('guild'), 'Guild', this.#count);
    this.#guild.invitations.watchNow(({ list }) => this.#showCount(list.length));
    this.#guild.onInvited(({ name, fromName }) => toast(`${fromName} invites you to join ${name}.`));
    this.#guild.onEvent((event) => {
      if (event.playerId === this.#guild.selfId || QUIET_EVENTS.has(event.event)) return;
      toast(newsText(readNews(event), this.#guild.selfId));
    });
    session.status.watch((status) => {
      if (status === 'replaced') this.#window?.close();
    });
  }

  close(): void {
    this.#window?.close();
    this.#guild.close();
  }

  #open(): void {
    this.#window ??= openGuildWindow({ guild: this.#guild, session: this.#session, model: this.#model, closed: () => (this.#window = undefined) });
  }

  #showCount(count: number): void {
    this.#count.hidden = count === 0;
    setText(this.#count, String(count));
    this.element.ariaLabel = count === 0 ? 'Guild' : `Guild, ${count} ${count === 1 ? 'invitation' : 'invitations'}`;
  }
}
