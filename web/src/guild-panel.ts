import type { OpenDialog } from './dialog.ts';
import type { GuildSession } from './guild-session.ts';
import type { GuildView } from './guild-view.ts';

/** What fills the guild's window: outside of any guild, or inside one. */
export interface GuildScreen {
  element: HTMLElement;
  close(): void;
}

/** One tab of the inside. */
export interface GuildPanel {
  element: HTMLElement;
  show(view: GuildView): void;
  close?(): void;
}

/** A dialog about a guild does not outlive the membership. */
export function closeWithGuild(guild: GuildSession, dialog: OpenDialog): void {
  const stop = guild.view.watch((view) => view ?? dialog.close());
  dialog.element.addEventListener('close', stop);
}
