import type { PlayerId } from '../../schema/ids.ts';
import { attempt } from './attempt.ts';
import { avatarRow, othersAround } from './avatar-row.ts';
import { el } from './dom.ts';
import type { GuildPanel } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';
import { keyedList } from './keyed-list.ts';
import { toast } from './toasts.ts';
import type { Avatar, ZoneModel } from './zone-model.ts';

const REFRESH_MS = 500;

/** Who is around and could be asked to join. */
export function guildInvite(guild: GuildSession, model: ZoneModel): GuildPanel {
  const rows = el('ul', { class: 'rows', testid: 'guild-around' });
  const alone = el('p', { class: 'quiet' }, 'Nobody else is near. Players who walk the same zone show up here.');
  const showRows = keyedList<Avatar>(rows, ({ id }) => id, (avatar) => avatarRow(avatar, {
    text: 'Invite', label: (name) => `Invite ${name}`, testid: `guild-invite-${avatar.id}`, press: invite, blocked,
  }));
  const timer = setInterval(show, REFRESH_MS);
  return {
    element: el('div', {}, rows, alone),
    show,
    close: () => clearInterval(timer),
  };

  function show(): void {
    const others = othersAround(model, guild.selfId);
    alone.hidden = others.length > 0;
    showRows(others);
  }

  function blocked({ id, guildTag }: Avatar): string | undefined {
    if (guild.view.get()?.members.some(({ playerId }) => playerId === id)) return 'In your guild';
    return guildTag ? 'In another guild' : undefined;
  }

  async function invite({ id, name }: Avatar, pressed: HTMLButtonElement): Promise<void> {
    if (await attempt(pressed, () => guild.request('guild:invite', { playerId: id as PlayerId }))) toast(`${name} was invited.`, 'good');
  }
}
