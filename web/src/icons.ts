const itemFiles = import.meta.glob<string>('../icons/*.svg', { query: '?raw', import: 'default', eager: true });
const nodeFiles = import.meta.glob<string>('../icons/nodes/*.svg', { query: '?raw', import: 'default', eager: true });

const ITEM_ICONS = byName(itemFiles);
const NODE_ICONS = byName(nodeFiles);

/** A drawn icon by its catalogue name; `web/icons/<name>.svg` is all it takes to add one. Unknown names get the parcel. */
export function iconElement(name: string, size = ''): HTMLElement {
  const holder = document.createElement('span');
  holder.className = `icon ${size}`.trim();
  // Only files of this project are set as HTML: `name` selects one, and is never part of it.
  holder.innerHTML = ITEM_ICONS.get(name) ?? ITEM_ICONS.get('generic') ?? '';
  return holder;
}

/** The picture of a gathering place for the canvas: its own drawing, or the asset's icon on a mound. */
export function nodeImages(asset: string, icon: string): { place: HTMLImageElement; badge: HTMLImageElement | null } {
  const own = NODE_ICONS.get(asset) ?? NODE_ICONS.get(icon);
  if (own) return { place: image(own), badge: null };
  return { place: image(NODE_ICONS.get('generic') ?? ''), badge: image(ITEM_ICONS.get(icon) ?? ITEM_ICONS.get('generic') ?? '') };
}

function image(svg: string): HTMLImageElement {
  const element = new Image();
  // A canvas needs to know the size; the drawings of places say it themselves.
  const sized = svg.includes(' width=') && svg.indexOf(' width=') < svg.indexOf('>') ? svg : svg.replace('<svg ', '<svg width="192" height="192" ');
  element.src = `data:image/svg+xml,${encodeURIComponent(sized)}`;
  return element;
}

function byName(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files).map(([path, svg]) => [path.replace(/^.*\/|[.]svg$/g, ''), svg]));
}
