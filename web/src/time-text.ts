import { el } from './dom.ts';
import { serverNow } from './server-clock.ts';

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });

/** A moment by the clock of whoever looks; the day where it was another one. */
export function timeElement(atMs: number): HTMLElement {
  const [at, now] = [new Date(atMs), new Date(serverNow())];
  const text = at.toDateString() === now.toDateString() ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
  return el('time', { datetime: at.toISOString() }, text);
}
