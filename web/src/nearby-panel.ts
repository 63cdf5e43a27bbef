import { avatarRow, othersAround } from './avatar-row.ts';
import { assetOf } from './catalog.ts';
import { button, el, fill, setText } from './dom.ts';
import { iconElement } from './icons.ts';
import { keyedList, type Row } from './keyed-list.ts';
import { serverNow } from './server-clock.ts';
import { distance } from './walker.ts';
import type { Avatar, GatheringNode } from './zone-model.ts';
import type { ZoneView } from './zone-view.ts';

const REFRESH_MS = 500;
const NODES_MAX = 8;

/** Players and gathering places as lists of buttons: everything that the canvas offers, without a mouse. */
export function nearbyPanel(zone: ZoneView, options: { selfId: () => string | undefined; trade: (avatar: Avatar) => void }): { element: HTMLElement; close(): void } {
  const players = el('ul', { class: 'rows', testid: 'nearby-players' });
  const nodes = el('ul', { class: 'rows', testid: 'nearby-nodes' });
  const alone = el('p', { class: 'quiet' }, 'Nobody else is here yet.');
  const showPlayers = keyedList<Avatar>(players, ({ id }) => id, (avatar) =>
    avatarRow(avatar, { text: 'Trade', label: (name) => `Trade with ${name}`, testid: `trade-with-${avatar.id}`, press: options.trade }));
  const showNodes = keyedList<GatheringNode>(nodes, ({ id }) => id, (node) => nodeRow(node, zone.gather));
  let order: string[] = [];

  const timer = setInterval(show, REFRESH_MS);
  show();
  return {
    element: el('section', { class: 'panel', 'aria-labelledby': 'nearby-title' },
      el('header', { class: 'panel-head' }, el('h2', { id: 'nearby-title' }, 'Around you')),
      el('h3', {}, 'Players'), players, alone,
      el('h3', {}, 'To gather'), nodes),
    close: () => clearInterval(timer),
  };

  function show(): void {
    const others = othersAround(zone.model, options.selfId());
    alone.hidden = others.length > 0;
    showPlayers(others);
    // The order follows the walk, but stands still under a pointer or the focus.
    if (!nodes.matches(':hover, :focus-within') || order.length === 0) order = nearest();
    showNodes(order.flatMap((id) => zone.model.nodes.get(id) ?? []));
  }

  function nearest(): string[] {
    const from = zone.walker.position;
    const all = [...zone.model.nodes.values()];
    const sorted = from ? all.toSorted((a, b) => distance(a, from) - distance(b, from)) : all;
    return sorted.slice(0, NODES_MAX).map(({ id }) => id);
  }
}

function nodeRow(first: GatheringNode, gather: (nodeId: string) => void): Row<GatheringNode> {
  const picture = el('span', { class: 'row-picture' });
  const title = el('strong');
  const state = el('span', { class: 'quiet' });
  const ask = button({ class: 'button', testid: `gather-${first.id}`, press: () => gather(first.id) }, 'Gather');
  return {
    element: el('li', { class: 'row' }, picture, el('span', { class: 'row-text' }, title, state), ask),
    update(node) {
      const asset = assetOf(node.asset);
      if (picture.dataset['icon'] !== asset.icon) fill(picture, iconElement(asset.icon));
      picture.dataset['icon'] = asset.icon;
      const waitS = Math.ceil((node.readyAt - serverNow()) / 1000);
      setText(title, asset.title);
      setText(state, waitS > 0 ? `Grows back in ${waitS} s` : 'Ready');
      ask.setAttribute('aria-label', `Gather ${asset.title}`);
    },
  };
}
