/** Text that is HTML already; any other text is escaped on its way in. */
export interface Markup {
  html: string;
}

export type Child = Markup | string | number | undefined | false | readonly Child[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A template whose values are escaped, unless they came out of such a template. */
export function html(parts: TemplateStringsArray, ...values: readonly Child[]): Markup {
  return { html: parts.map((part, at) => part + (at < values.length ? textOf(values[at]) : '')).join('') };
}

function textOf(child: Child): string {
  if (child === undefined || child === false) return '';
  if (typeof child === 'string' || typeof child === 'number') return String(child).replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
  return 'html' in child ? child.html : child.map(textOf).join('');
}

/** A script's text cannot end its element. */
export function script(source: string): Markup {
  return { html: `<script>${source.replaceAll(/<(?=\/script|!--)/gi, String.raw`\x3c`)}</script>` };
}

export function style(source: string): Markup {
  return { html: `<style>${source}</style>` };
}

/** What a script of the page reads, whatever is in its texts. */
export function json(id: string, value: unknown): Markup {
  const text = JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
  return html`<script type="application/json" id="${id}">${{ html: text }}</script>`;
}
