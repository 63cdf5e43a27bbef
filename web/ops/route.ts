import type { ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';

/** What the page shows; its address after the `#`, so that Back works and a colleague can be sent there. */
export type Route =
  | { view: 'overview' }
  | { view: 'find'; text: string }
  | { view: 'player'; id: PlayerId }
  | { view: 'item'; id: ItemId }
  | { view: 'trade'; id: TransactionId }
  | { view: 'trading' }
  | { view: 'log' };

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What is no address of this page is its first one. */
export function routeOf(hash: string): Route {
  const [view = '', ...rest] = hash.replace(/^#/, '').split('/');
  const about = decoded(rest.join('/'));
  const id = idIn(about);
  switch (view) {
    case 'find': return { view, text: about };
    case 'player': return id === undefined ? { view: 'find', text: '' } : { view, id: id as PlayerId };
    case 'item': return id === undefined ? { view: 'find', text: '' } : { view, id: id as ItemId };
    case 'trade': return id === undefined ? { view: 'find', text: '' } : { view, id: id as TransactionId };
    case 'trading':
    case 'log': return { view };
    default: return { view: 'overview' };
  }
}

export function hashOf(route: Route): string {
  if (route.view === 'find') return route.text === '' ? '#find' : `#find/${encodeURIComponent(route.text)}`;
  return 'id' in route ? `#${route.view}/${route.id}` : `#${route.view}`;
}

/** The id that was typed or pasted, as ids are compared everywhere: in lower case. */
export function idIn(text: string): string | undefined {
  const id = text.trim().toLowerCase();
  return UUID.test(id) ? id : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
