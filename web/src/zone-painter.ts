import { assetOf } from './catalog.ts';
import { nodeImages } from './icons.ts';
import { hueOf } from './player-hue.ts';
import { serverNow } from './server-clock.ts';
import { clamp, type Point } from './walker.ts';
import { paintGround, presentPalette } from './zone-ground.ts';
import type { Avatar, GatheringNode, ZoneModel } from './zone-model.ts';

const NODE_SIZE = 66;
const FLOAT_MS = 1400;
const LABEL_PX = 13;
const NAME_LINES_MAX = 6;
const still = matchMedia('(prefers-reduced-motion: reduce)');
const FLOAT_PX = 17;

export interface FloatingText extends Point {
  text: string;
  bornMs: number;
}

export interface Scene {
  model: ZoneModel;
  selfId: string | undefined;
  floats: FloatingText[];
  /** Where the player is walking to. */
  goal: Point | undefined;
  hovered: string | undefined;
  gathering: string | undefined;
}

/** Which part of the zone is on screen, and how large. */
export interface Camera extends Point {
  scale: number;
}

/** Centres the camera on a place, without looking far over the hedge. */
export function aim(camera: Camera, at: Point, screen: { width: number; height: number }, bounds: { width: number; height: number }): void {
  camera.scale = clamp(Math.min(screen.width, screen.height) / 600, 0.75, 1.3);
  camera.x = along(at.x, screen.width / camera.scale, bounds.width);
  camera.y = along(at.y, screen.height / camera.scale, bounds.height);
}

function along(at: number, shown: number, size: number): number {
  const margin = 40;
  if (shown >= size + 2 * margin) return size / 2;
  return clamp(at, shown / 2 - margin, size - shown / 2 + margin);
}

const images = new Map<string, ReturnType<typeof nodeImages>>();

/** Draws one frame of the zone. `size` is in CSS pixels; the context is scaled to the device's. */
export function paintZone(context: CanvasRenderingContext2D, scene: Scene, camera: Camera, size: { width: number; height: number; ratio: number }, nowMs: number): void {
  const { scale } = camera;
  const halfWidth = size.width / 2 / scale;
  const halfHeight = size.height / 2 / scale;
  context.setTransform(size.ratio * scale, 0, 0, size.ratio * scale, size.ratio * (size.width / 2 - camera.x * scale), size.ratio * (size.height / 2 - camera.y * scale));
  const view = { left: camera.x - halfWidth, top: camera.y - halfHeight, right: camera.x + halfWidth, bottom: camera.y + halfHeight };
  paintGround(context, view, scene.model.bounds);
  if (scene.goal) paintGoal(context, scene.goal, nowMs);
  const things = [
    ...[...scene.model.nodes.values()].map((node) => ({ y: node.y + NODE_SIZE * 0.3, paint: () => paintNode(context, node, scene, nowMs) })),
    ...[...scene.model.avatars.values()].map((avatar) => ({ y: avatar.y, paint: () => paintAvatar(context, avatar, avatar.id === scene.selfId, nowMs) })),
  ];
  for (const thing of things.toSorted((a, b) => a.y - b.y)) thing.paint();
  paintNames(context, scene, view, scale);
  scene.floats = scene.floats.filter((float) => nowMs - float.bornMs < FLOAT_MS);
  for (const float of scene.floats) paintFloat(context, float, scale, nowMs);
}

/** Names lie over everything, as large on a phone as on a desk. In a crowd they go below each other, one's own first; what finds no room is left out. */
function paintNames(context: CanvasRenderingContext2D, scene: Scene, view: { left: number; top: number; right: number; bottom: number }, scale: number): void {
  const px = LABEL_PX / scale;
  const taken: { left: number; right: number; y: number }[] = [];
  const seen = [...scene.model.avatars.values()].filter(({ x, y }) => x > view.left && x < view.right && y > view.top && y < view.bottom + 2 * px);
  context.font = labelFont(px);
  for (const avatar of seen.toSorted((a, b) => Number(b.id === scene.selfId) - Number(a.id === scene.selfId) || a.y - b.y || a.x - b.x)) {
    const text = avatar.guildTag ? `[${avatar.guildTag}] ${avatar.name}` : avatar.name;
    const half = context.measureText(text).width / 2;
    const name = { left: avatar.x - half, right: avatar.x + half, y: avatar.y + 6 + 14 / scale };
    for (let line = 0; line < NAME_LINES_MAX; line++, name.y += px * 1.15) {
      if (taken.some((other) => name.left < other.right && other.left < name.right && Math.abs(name.y - other.y) < px * 1.1)) continue;
      taken.push(name);
      label(context, text, { x: avatar.x, y: name.y, px });
      break;
    }
  }
}

function labelFont(px: number): string {
  return `600 ${px}px system-ui, sans-serif`;
}

function paintNode(context: CanvasRenderingContext2D, node: GatheringNode, scene: Scene, nowMs: number): void {
  const palette = presentPalette();
  const key = `${node.asset}/${assetOf(node.asset).icon}`;
  let pictures = images.get(key);
  if (!pictures) images.set(key, (pictures = nodeImages(node.asset, assetOf(node.asset).icon)));
  const waitMs = node.readyAt - serverNow();
  const size = NODE_SIZE * (scene.hovered === node.id ? 1.07 : 1);
  context.globalAlpha = waitMs > 0 ? 0.5 : 1 - palette.dim;
  draw(context, pictures.place, node.x, node.y, size);
  if (pictures.badge) draw(context, pictures.badge, node.x, node.y - size * 0.12, size * 0.55);
  context.globalAlpha = 1;
  if (scene.gathering === node.id) paintRing(context, node, still.matches ? 0.5 : ((nowMs / 700) % 1) * 0.75, still.matches ? 0 : (nowMs / 350) % (Math.PI * 2));
  else if (waitMs > 0) paintRing(context, node, 1 - waitMs / node.cooldownMs, 0);
}

/** A ring that fills up while something grows back, or turns while an answer is awaited. */
function paintRing(context: CanvasRenderingContext2D, at: Point, share: number, turn: number): void {
  const palette = presentPalette();
  const from = -Math.PI / 2 + turn;
  context.lineWidth = 4;
  context.lineCap = 'round';
  context.strokeStyle = palette.ringTrack;
  context.beginPath();
  context.arc(at.x, at.y, 17, 0, Math.PI * 2);
  context.stroke();
  context.strokeStyle = palette.ring;
  context.beginPath();
  context.arc(at.x, at.y, 17, from, from + Math.PI * 2 * clamp(share, 0.02, 1));
  context.stroke();
}

function paintAvatar(context: CanvasRenderingContext2D, avatar: Avatar, self: boolean, nowMs: number): void {
  const palette = presentPalette();
  const bob = avatar.moving && !still.matches ? Math.abs(Math.sin(nowMs / 110)) * 3 : 0;
  const hue = hueOf(avatar.id);
  ellipse(context, avatar.x, avatar.y + 1, 13, 5, palette.shadow);
  if (self) {
    context.strokeStyle = '#e0a93a';
    context.lineWidth = 2.5;
    context.beginPath();
    context.ellipse(avatar.x, avatar.y + 1, 17, 7.5, 0, 0, Math.PI * 2);
    context.stroke();
  }
  const feet = avatar.y - bob;
  context.fillStyle = `hsl(${hue} 42% 44%)`;
  context.beginPath();
  context.moveTo(avatar.x - 11, feet);
  context.bezierCurveTo(avatar.x - 11, feet - 26, avatar.x + 11, feet - 26, avatar.x + 11, feet);
  context.quadraticCurveTo(avatar.x, feet + 4, avatar.x - 11, feet);
  context.fill();
  ellipse(context, avatar.x, feet - 24, 8.5, 8.5, `hsl(${hue} 46% 62%)`);
  ellipse(context, avatar.x - 2.5, feet - 26.5, 3, 2.4, 'rgba(255,255,255,.45)');
}

function paintFloat(context: CanvasRenderingContext2D, float: FloatingText, scale: number, nowMs: number): void {
  const age = (nowMs - float.bornMs) / FLOAT_MS;
  context.globalAlpha = 1 - age ** 3;
  label(context, float.text, { x: float.x, y: float.y - 34 - (still.matches ? 0 : age * 34), px: FLOAT_PX / scale });
  context.globalAlpha = 1;
}

function paintGoal(context: CanvasRenderingContext2D, goal: Point, nowMs: number): void {
  const pulse = still.matches ? 0.4 : (nowMs / 900) % 1;
  context.strokeStyle = presentPalette().marker;
  context.lineWidth = 2.5;
  context.globalAlpha = 1 - pulse * 0.7;
  context.beginPath();
  context.ellipse(goal.x, goal.y, 6 + pulse * 9, 3 + pulse * 4.5, 0, 0, Math.PI * 2);
  context.stroke();
  context.globalAlpha = 1;
}

function label(context: CanvasRenderingContext2D, text: string, { x, y, px }: Point & { px: number }): void {
  const palette = presentPalette();
  context.font = labelFont(px);
  context.textAlign = 'center';
  context.lineJoin = 'round';
  context.lineWidth = px / 3.4;
  context.strokeStyle = palette.halo;
  context.strokeText(text, x, y);
  context.fillStyle = palette.label;
  context.fillText(text, x, y);
}

function ellipse(context: CanvasRenderingContext2D, x: number, y: number, radiusX: number, radiusY: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse(x, y, radiusX, radiusY, 0, 0, Math.PI * 2);
  context.fill();
}

function draw(context: CanvasRenderingContext2D, image: HTMLImageElement, x: number, y: number, size: number): void {
  if (image.complete && image.naturalWidth > 0) context.drawImage(image, x - size / 2, y - size / 2, size, size);
}
