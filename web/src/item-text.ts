import { assetOf } from './catalog.ts';
import type { Holding, ItemView } from './player-view.ts';
import { quantityText } from './quantity-text.ts';

/** Attributes as a person reads them: `power 7`, `element fire`. */
export function attributeTexts(attributes: ItemView['attributes']): string[] {
  return Object.entries(attributes).map(([name, value]) => `${name.replace(/[_-]/g, ' ')} ${valueText(value)}`);
}

/** One line that names a holding completely; what a screen reader says of its tile. */
export function holdingText(holding: Holding): string {
  if (holding.type === 'fungible') return `${assetOf(holding.asset).title}, ${quantityText(holding.quantity)}`;
  const { kind, attributes, bound } = holding.item;
  return [assetOf(kind).title, ...attributeTexts(attributes), bound && 'bound'].filter(Boolean).join(', ');
}

export function assetNameOf(holding: Holding): string {
  return holding.type === 'fungible' ? holding.asset : holding.item.kind;
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return quantityText(value);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return JSON.stringify(value);
}
