import { button, el, setText } from './dom.ts';
import type { Row } from './keyed-list.ts';
import type { Avatar, ZoneModel } from './zone-model.ts';

const OTHERS_MAX = 50;

/** Who else is in the zone, by name; a crowd is cut off. */
export function othersAround(model: ZoneModel, selfId: string | undefined): Avatar[] {
  const others = [...model.avatars.values()].filter(({ id }) => id !== selfId);
  return others.toSorted((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id)).slice(0, OTHERS_MAX);
}

export interface AvatarRowOptions {
  text: string;
  /** What a screen reader says of the button. */
  label: (name: string) => string;
  testid: string;
  press: (avatar: Avatar, pressed: HTMLButtonElement) => void;
  /** Why it cannot be pressed, which is shown in place of the level. */
  blocked?: (avatar: Avatar) => string | undefined;
}

/** Another player, and the one thing that can be done with them here. */
export function avatarRow(first: Avatar, { text, label, testid, press, blocked }: AvatarRowOptions): Row<Avatar> {
  let shown = first;
  const name = el('strong');
  const state = el('span', { class: 'quiet' });
  const ask = button({ class: 'button', testid, press: () => press(shown, ask) }, text);
  return {
    element: el('li', { class: 'row', 'data-player': first.id }, el('span', { class: 'row-text' }, name, state), ask),
    update(avatar) {
      shown = avatar;
      const reason = blocked?.(avatar);
      setText(name, avatar.guildTag ? `[${avatar.guildTag}] ${avatar.name}` : avatar.name);
      setText(state, reason ?? `Level ${avatar.level}`);
      ask.disabled = reason !== undefined;
      ask.setAttribute('aria-label', label(avatar.name));
    },
  };
}
