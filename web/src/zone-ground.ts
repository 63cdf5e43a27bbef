/** The colours of the meadow; the night of the dark scheme is the same meadow by moonlight. */
export interface Palette {
  grass: string;
  patch: string;
  blade: string;
  flowers: readonly string[];
  outside: string;
  hedge: string;
  hedgeLight: string;
  label: string;
  halo: string;
  shadow: string;
  ring: string;
  ringTrack: string;
  marker: string;
  dim: number;
}

const DAY: Palette = {
  grass: '#b9d08c', patch: '#aac67c', blade: '#8fb063', flowers: ['#f4f0d8', '#e9c9dc', '#f0dc8a'],
  outside: '#8fae6b', hedge: '#5f8a4a', hedgeLight: '#77a35c',
  label: '#1e2a1c', halo: 'rgba(255,255,255,.75)', shadow: 'rgba(30,45,20,.22)',
  ring: '#2d7a6c', ringTrack: 'rgba(255,255,255,.7)', marker: '#fffdf2', dim: 0,
};

const NIGHT: Palette = {
  grass: '#2a4034', patch: '#253a2f', blade: '#3b5a47', flowers: ['#b9b48f', '#9d7f95', '#a8965a'],
  outside: '#1a2a22', hedge: '#1c3a2a', hedgeLight: '#2a5039',
  label: '#eef3ea', halo: 'rgba(8,16,12,.8)', shadow: 'rgba(0,0,0,.38)',
  ring: '#7fd0bd', ringTrack: 'rgba(0,0,0,.5)', marker: '#e9e4c4', dim: 0.16,
};

const scheme = matchMedia('(prefers-color-scheme: dark)');
let palette = scheme.matches ? NIGHT : DAY;
let pattern: CanvasPattern | null = null;

scheme.addEventListener('change', () => {
  palette = scheme.matches ? NIGHT : DAY;
  pattern = null;
});

export function presentPalette(): Palette {
  return palette;
}

/** Grass, the hedge around it, and the woods beyond; drawn in zone units, with the camera's transform set. */
export function paintGround(context: CanvasRenderingContext2D, view: { left: number; top: number; right: number; bottom: number }, bounds: { width: number; height: number }): void {
  const { left, top, right, bottom } = view;
  context.fillStyle = palette.outside;
  context.fillRect(left, top, right - left, bottom - top);
  pattern ??= context.createPattern(meadowTile(palette), 'repeat');
  context.beginPath();
  context.roundRect(-14, -14, bounds.width + 28, bounds.height + 28, 26);
  if (pattern) context.fillStyle = pattern;
  context.fill();
  context.lineWidth = 16;
  context.strokeStyle = palette.hedge;
  context.stroke();
  context.lineWidth = 7;
  context.strokeStyle = palette.hedgeLight;
  context.setLineDash([14, 12]);
  context.stroke();
  context.setLineDash([]);
}

const TILE = 512;

function meadowTile(colours: Palette): HTMLCanvasElement {
  const tile = document.createElement('canvas');
  tile.width = tile.height = TILE;
  const context = tile.getContext('2d');
  if (!context) return tile;
  const random = seeded(7);
  context.fillStyle = colours.grass;
  context.fillRect(0, 0, TILE, TILE);
  for (let patch = 0; patch < 14; patch++) {
    const radius = 50 + random() * 70;
    wrapped(random() * TILE, random() * TILE, radius, (x, y) => {
      const soft = context.createRadialGradient(x, y, 0, x, y, radius);
      soft.addColorStop(0, colours.patch);
      soft.addColorStop(1, `${colours.grass}00`);
      context.fillStyle = soft;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    });
  }
  context.strokeStyle = colours.blade;
  context.lineCap = 'round';
  context.lineWidth = 1.6;
  context.globalAlpha = 0.8;
  for (let tuft = 0; tuft < 95; tuft++) {
    const lean = random() * 2 - 1;
    wrapped(random() * TILE, random() * TILE, 8, (x, y) => {
      context.beginPath();
      for (const blade of [-2.5, 0, 2.5]) {
        context.moveTo(x + blade, y);
        context.lineTo(x + blade * 1.8 + lean, y - 5);
      }
      context.stroke();
    });
  }
  for (let flower = 0; flower < 30; flower++) {
    context.fillStyle = colours.flowers[flower % colours.flowers.length] ?? colours.blade;
    context.beginPath();
    context.arc(4 + random() * (TILE - 8), 4 + random() * (TILE - 8), 1.7, 0, Math.PI * 2);
    context.fill();
  }
  return tile;
}

/** Draws what crosses an edge of the tile at the opposite edge, too. */
function wrapped(x: number, y: number, margin: number, draw: (x: number, y: number) => void): void {
  for (const shiftX of [-TILE, 0, TILE]) {
    for (const shiftY of [-TILE, 0, TILE]) {
      const inside = x + shiftX > -margin && x + shiftX < TILE + margin && y + shiftY > -margin && y + shiftY < TILE + margin;
      if (inside) draw(x + shiftX, y + shiftY);
    }
  }
}

/** The same meadow on every screen (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
