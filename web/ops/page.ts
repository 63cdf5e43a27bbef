import { el } from '../src/dom.ts';
import { itemView } from './item-view.ts';
import { logView } from './log-view.ts';
import { notices } from './notices.ts';
import { overview } from './overview/overview.ts';
import { findView } from './find-view.ts';
import { playerView } from './player-view.ts';
import { hashOf, routeOf, type Route } from './route.ts';
import { StateWatch } from './state-watch.ts';
import { tradeView } from './trade-view.ts';
import { tradingView } from './trading-view.ts';
import { focusHeading, type View } from './view.ts';

const PLACES = [
  { view: 'overview', label: 'Overview', within: ['overview'] },
  { view: 'find', label: 'Support', within: ['find', 'player', 'item', 'trade'] },
  { view: 'trading', label: 'Trading', within: ['trading'] },
  { view: 'log', label: 'Log', within: ['log'] },
] as const;

/** The page's head, what must be seen wherever one is, and the view that the address names. */
export function opsPage(): HTMLElement[] {
  const watch = new StateWatch();
  const main = el('main', { class: 'ops-main', id: 'main' });
  const places = PLACES.map(({ view, label, within }) => ({
    within: within as readonly Route['view'][],
    link: el('a', { href: hashOf(view === 'find' ? { view, text: '' } : { view }), class: 'place', testid: `place-${view}` }, label),
  }));
  let current: View | undefined;

  function show(): void {
    const route = routeOf(location.hash);
    for (const { within, link } of places) link.ariaCurrent = within.includes(route.view) ? 'page' : null;
    const isFirst = current === undefined;
    current?.close?.();
    current = viewOf(route, watch);
    document.title = `${current.title} · Strongroom operations`;
    main.replaceChildren(current.element);
    if (isFirst) return;
    scrollTo(0, 0);
    focusHeading(current.element);
  }
  addEventListener('hashchange', show);
  show();
  return [
    el('header', { class: 'ops-head' },
      el('h1', {}, 'Strongroom ', el('span', { class: 'quiet' }, 'operations')),
      el('nav', { class: 'places', 'aria-label': 'Operations' }, ...places.map(({ link }) => link))),
    notices(watch),
    main,
  ];
}

function viewOf(route: Route, watch: StateWatch): View {
  switch (route.view) {
    case 'overview': return overview(watch);
    case 'find': return findView(route.text);
    case 'player': return playerView(route.id);
    case 'item': return itemView(route.id);
    case 'trade': return tradeView(route.id);
    case 'trading': return tradingView(watch);
    case 'log': return logView();
  }
}
