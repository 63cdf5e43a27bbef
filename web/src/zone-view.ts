import type { ClientSession } from './client-session.ts';
import { button, el, fill, setText } from './dom.ts';
import { GatherErrand } from './gather-errand.ts';
import { learn } from './hints.ts';
import { watchKeys } from './walk-keys.ts';
import { clamp, distance, Walker, type Point } from './walker.ts';
import { ZoneModel, type Avatar, type GatheringNode } from './zone-model.ts';
import { aim, paintZone, type Camera, type Scene } from './zone-painter.ts';

const NODE_RADIUS = 34;
const AVATAR_RADIUS = 26;
/** Under a dialog nobody looks at it, and where nothing moves there is little to see: a few pictures a second are enough, and spare a phone. */
const QUIET_INTERVAL_MS = 250;
/** As long after something moved, it is drawn as if it still did: so the last step is seen. */
const LIVELY_MS = 300;
const LABEL = 'The meadow. Walk with the arrow keys; press E to gather what is nearest. The list “Around you” has the same as buttons.';

export interface ZoneView {
  element: HTMLElement;
  model: ZoneModel;
  walker: Walker;
  /** Gathers when in reach, or walks there first. */
  gather(nodeId: string): void;
  close(): void;
}

/** The meadow on a canvas: walking, gathering and meeting others, by mouse, touch and keys. */
export function zoneView(session: ClientSession, trade: (avatar: Avatar) => void): ZoneView {
  const model = new ZoneModel();
  const walker = new Walker();
  const scene: Scene = { model, selfId: undefined, floats: [], goal: undefined, hovered: undefined, gathering: undefined };
  const camera: Camera = { x: 0, y: 0, scale: 1 };
  const canvas = el('canvas', { class: 'zone-canvas', tabindex: '0', role: 'application', testid: 'zone', 'aria-label': LABEL });
  const card = el('div', { class: 'zone-card', hidden: true, testid: 'zone-card' });
  const gains = el('p', { class: 'sr-only', 'aria-live': 'polite', testid: 'zone-gain' });
  const context = canvas.getContext('2d', { alpha: false });
  const errand = new GatherErrand({
    model, walker,
    ask: (nodeId) => session.gather(nodeId),
    gained(node, text) {
      scene.floats.push({ x: node.x, y: node.y, text, bornMs: performance.now() });
      setText(gains, text);
      learn('gather');
    },
  });

  session.onZone((state) => {
    model.read(state, performance.now());
    heedServer();
  });
  // The zone may be known before the player is, and need not change again.
  session.player.watchNow((player) => {
    scene.selfId = player?.playerId;
    heedServer();
  });
  const stopKeys = watchKeys({
    turned(direction) {
      walker.direction = direction;
      errand.drop();
      learn('walk');
    },
    act: () => errand.beginNearest(),
  });
  canvas.addEventListener('pointerdown', press);
  canvas.addEventListener('pointermove', hover);
  let beforeMs = performance.now();
  let paintedMs = 0;
  let livelyMs = 0;
  let frame = requestAnimationFrame(draw);

  return {
    element: el('section', { class: 'zone', 'aria-label': 'Zone' }, canvas, card, gains),
    model,
    walker,
    gather: (nodeId) => errand.begin(nodeId),
    close() {
      cancelAnimationFrame(frame);
      stopKeys();
    },
  };

  function draw(nowMs: number): void {
    frame = requestAnimationFrame(draw);
    const news = walker.step(Math.min(100, nowMs - beforeMs), model.bounds, nowMs);
    beforeMs = nowMs;
    if (news) session.move(news.x, news.y);
    model.step(nowMs);
    showSelf();
    errand.step(nowMs);
    if (isLively()) livelyMs = nowMs;
    const isQuiet = nowMs - livelyMs > LIVELY_MS || isCovered();
    if (!context || canvas.clientWidth === 0 || (isQuiet && nowMs - paintedMs < QUIET_INTERVAL_MS)) return;
    paintedMs = nowMs;
    const size = fit();
    aim(camera, walker.position ?? { x: model.bounds.width / 2, y: model.bounds.height / 2 }, size, model.bounds);
    scene.goal = walker.target;
    scene.gathering = errand.gathering;
    paintZone(context, scene, camera, size, nowMs);
  }

  /** Whether anything is on the move, or asks for the eye. */
  function isLively(): boolean {
    return walker.moving || walker.target !== undefined || errand.gathering !== undefined || scene.floats.length > 0 || [...model.avatars.values()].some(({ moving }) => moving);
  }

  function heedServer(): void {
    const own = scene.selfId === undefined ? undefined : model.latest(scene.selfId);
    if (own) walker.heed(own);
  }

  function isCovered(): boolean {
    return document.querySelector('dialog[open]') !== null;
  }

  /** The player's own figure stands where the walker is, not where the server last saw it. */
  function showSelf(): void {
    const self = scene.selfId === undefined ? undefined : model.avatars.get(scene.selfId);
    if (self && walker.position) Object.assign(self, walker.position, { moving: walker.moving });
  }

  function fit(): { width: number; height: number; ratio: number } {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    return { width, height, ratio };
  }

  function press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = toZone(event);
    const avatar = avatarAt(at);
    const node = nodeAt(at);
    card.hidden = true;
    errand.drop();
    if (avatar) showCard(avatar);
    else if (node) errand.begin(node.id);
    else walkTo(at);
  }

  function walkTo(at: Point): void {
    walker.target = { x: clamp(at.x, 0, model.bounds.width), y: clamp(at.y, 0, model.bounds.height) };
    learn('walk');
  }

  function hover(event: PointerEvent): void {
    const at = toZone(event);
    const hovered = nodeAt(at)?.id;
    if (hovered !== scene.hovered) livelyMs = performance.now();
    scene.hovered = hovered;
    canvas.style.cursor = scene.hovered !== undefined || avatarAt(at) ? 'pointer' : 'default';
  }

  function showCard(avatar: Avatar): void {
    const hide = () => {
      card.hidden = true;
    };
    const ask = () => {
      hide();
      trade(avatar);
    };
    fill(card,
      el('span', {}, el('strong', {}, avatar.name), ` level ${avatar.level}`),
      button({ class: 'button button-primary', testid: 'card-trade', press: ask }, 'Trade'),
      button({ class: 'icon-button', 'aria-label': 'Close', press: hide }, '×'));
    card.hidden = false;
  }

  function toZone(event: PointerEvent): Point {
    return {
      x: (event.offsetX - canvas.clientWidth / 2) / camera.scale + camera.x,
      y: (event.offsetY - canvas.clientHeight / 2) / camera.scale + camera.y,
    };
  }

  function nodeAt(at: Point): GatheringNode | undefined {
    return [...model.nodes.values()].find((node) => distance(node, at) < NODE_RADIUS);
  }

  function avatarAt(at: Point): Avatar | undefined {
    return [...model.avatars.values()].find((avatar) => avatar.id !== scene.selfId && distance({ x: avatar.x, y: avatar.y - 14 }, at) < AVATAR_RADIUS);
  }
}
