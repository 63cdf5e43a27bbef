import type { Point } from './walker.ts';

const DIRECTIONS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 }, KeyA: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 }, KeyD: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 }, KeyW: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 }, KeyS: { x: 0, y: 1 },
};
const ACT = 'KeyE';

/** Arrow keys and WASD walk, E gathers; not while a field is typed in or a dialog is open. Keys are by place, for any layout. */
export function watchKeys(walk: { turned: (direction: Point) => void; act: () => void }): () => void {
  const held = new Set<string>();
  const release = () => {
    if (held.size === 0) return;
    held.clear();
    walk.turned({ x: 0, y: 0 });
  };
  const turned = () => {
    const pressed = [...held].map((code) => DIRECTIONS[code] ?? { x: 0, y: 0 });
    walk.turned({ x: Math.sign(pressed.reduce((sum, { x }) => sum + x, 0)), y: Math.sign(pressed.reduce((sum, { y }) => sum + y, 0)) });
  };
  const down = (event: KeyboardEvent) => {
    if (isTaken(event)) return;
    if (event.code === ACT && !event.repeat) walk.act();
    if (!(event.code in DIRECTIONS)) return;
    event.preventDefault();
    if (held.has(event.code)) return;
    held.add(event.code);
    turned();
  };
  const up = (event: KeyboardEvent) => {
    if (held.delete(event.code)) turned();
  };
  addEventListener('keydown', down);
  addEventListener('keyup', up);
  addEventListener('blur', release);
  return () => {
    removeEventListener('keydown', down);
    removeEventListener('keyup', up);
    removeEventListener('blur', release);
  };
}

function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return true;
  return event.target instanceof HTMLElement && event.target.closest('input, textarea, select, [contenteditable]') !== null;
}
