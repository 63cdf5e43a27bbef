import { html, type Child, type Markup } from './markup.ts';

export interface Column {
  title: string;
  /** Figures stand to the right, below each other. */
  isFigure?: boolean;
}

/** A table that scrolls inside its box where the screen is narrow; the first cell of a row names it. */
export function wideTable(caption: string, columns: readonly Column[], rows: readonly (readonly Child[])[]): Markup {
  const figures = (at: number) => columns[at]?.isFigure === true && html` class="figure"`;
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map(({ title }, at) => html`<th scope="col"${figures(at)}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell, at) => html`<td${figures(at + 1)}>${cell}</td>`)}</tr>
`)}</tbody>
</table></div>`;
}
