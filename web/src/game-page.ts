import { account, verifyAccount } from './account.ts';
import { openAccountDialog } from './account-dialog.ts';
import { banner } from './banner.ts';
import { BoardDesk } from './board-desk.ts';
import { ClientSession } from './client-session.ts';
import { button, el, setText } from './dom.ts';
import { GuildDesk } from './guild-desk.ts';
import { zoneHints } from './hints.ts';
import { iconElement } from './icons.ts';
import { inventoryPanel } from './inventory-panel.ts';
import { nearbyPanel } from './nearby-panel.ts';
import { quantityText } from './quantity-text.ts';
import { TradeDesk } from './trade-desk.ts';
import type { Avatar } from './zone-model.ts';
import { zoneView } from './zone-view.ts';

/** The game after signing in: the zone, what the player holds, who is around, and the trade desk over all of it. */
export function gamePage(): { element: HTMLElement; close(): void } {
  const session = new ClientSession();
  const stops: (() => void)[] = [];
  const desk = new TradeDesk(session);
  const trade = (avatar: Avatar) => void desk.invite(avatar.id, avatar.name);
  const zone = zoneView(session, trade);
  const guild = new GuildDesk(session, zone.model);
  const boards = new BoardDesk(session);
  const nearby = nearbyPanel(zone, { selfId: () => session.player.get()?.playerId, trade });
  const hints = zoneHints();
  zone.element.append(hints.element);
  const element = el('div', { class: 'game' },
    header(session, [boards.element, guild.element], stops),
    banner(session),
    el('main', { class: 'stage' }, zone.element, sidebar(inventoryPanel(session), nearby.element)),
    desk.element);
  session.start();
  return {
    element,
    close() {
      for (const stop of stops) stop();
      desk.close();
      guild.close();
      boards.close();
      nearby.close();
      zone.close();
      hints.close();
      session.close();
    },
  };
}

function header(session: ClientSession, desks: readonly HTMLElement[], stops: (() => void)[]): HTMLElement {
  const name = el('strong', { testid: 'player-name' });
  const level = el('span', { class: 'quiet', testid: 'player-level' });
  const gold = el('span', { testid: 'player-gold' });
  const guest = el('span', { class: 'tag' }, 'Guest');
  session.player.watchNow((player) => {
    setText(name, player?.name ?? '…');
    name.dataset['playerId'] = player?.playerId ?? '';
    setText(level, player ? `Level ${player.level}` : '');
    setText(gold, quantityText(player?.fungibles.get('gold') ?? 0));
  });
  stops.push(account.watchNow((user) => {
    guest.hidden = !user?.anonymous;
  }));
  // After a start without a server, who it is can be asked once the rooms are there.
  stops.push(session.status.watch((status) => {
    if (status === 'live' && account.get()?.anonymous === undefined) void verifyAccount();
  }));
  return el('header', { class: 'top' },
    el('div', { class: 'wordmark wordmark-small' }, iconElement('strongroom'), el('h1', {}, 'Strongroom')),
    el('span', { class: 'purse', title: 'Gold' }, iconElement('gold'), el('span', { class: 'sr-only' }, 'Gold: '), gold),
    ...desks,
    button({ class: 'who', testid: 'account', 'aria-haspopup': 'dialog', press: () => openAccountDialog(session) },
      el('span', { class: 'sr-only' }, 'Account of '), el('span', { class: 'who-text' }, name, level), guest));
}

/** Two panels; one at a time behind tabs where the screen is narrow. */
function sidebar(inventory: HTMLElement, nearby: HTMLElement): HTMLElement {
  const side = el('aside', { class: 'sidebar' });
  const tab = (label: string, name: string) => button({ class: 'tab', testid: `tab-${name}`, 'aria-pressed': name === 'inventory', press: () => choose(name) }, label);
  const tabs = { inventory: tab('Inventory', 'inventory'), nearby: tab('Around you', 'nearby') };
  side.append(el('div', { class: 'tabs' }, tabs.inventory, tabs.nearby), inventory, nearby);
  choose('inventory');
  return side;

  function choose(name: string): void {
    side.dataset['tab'] = name;
    tabs.inventory.setAttribute('aria-pressed', String(name === 'inventory'));
    tabs.nearby.setAttribute('aria-pressed', String(name === 'nearby'));
  }
}
