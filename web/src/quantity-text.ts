const full = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count, complete: 1,234,567. */
export function quantityText(quantity: number): string {
  return full.format(quantity);
}

/** A count that fits a tile: 12,345 or 1.2M. */
export function shortQuantityText(quantity: number): string {
  return quantity < 100_000 ? full.format(quantity) : compact.format(quantity);
}

/** What was typed, as a whole number within 0…max; anything else than digits is ignored. */
export function parseQuantity(text: string, max: number): number {
  const digits = text.replace(/\D/g, '').slice(0, 16);
  return Math.min(max, digits === '' ? 0 : Number(digits));
}
