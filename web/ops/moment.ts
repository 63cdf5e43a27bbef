import { el } from '../src/dom.ts';

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });

/** A moment to the second, by the clock of whoever looks; the day where it is another one. */
export function momentText(atMs: number, nowMs = Date.now()): string {
  const at = new Date(atMs);
  return at.toDateString() === new Date(nowMs).toDateString() ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

export function momentElement(atMs: number): HTMLElement {
  const at = new Date(atMs).toISOString();
  return el('time', { datetime: at, title: at }, momentText(atMs));
}
