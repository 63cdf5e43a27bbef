/** What a list keeps of one row: its element, and how to bring it up to date. */
export interface Row<Value> {
  element: HTMLElement;
  update(value: Value): void;
}

/**
 * Keeps the children of `parent` in step with a list, by key: rows that stay keep their element, and with it the
 * focus, the scroll and a running animation.
 */
export function keyedList<Value>(parent: HTMLElement, keyOf: (value: Value) => string, create: (value: Value) => Row<Value>) {
  const rows = new Map<string, Row<Value>>();
  return (values: readonly Value[]): void => {
    const wanted = new Set(values.map(keyOf));
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      rows.delete(key);
    }
    for (const [index, value] of values.entries()) {
      const key = keyOf(value);
      const row = rows.get(key) ?? create(value);
      rows.set(key, row);
      row.update(value);
      const there = parent.children[index];
      if (there !== row.element) parent.insertBefore(row.element, there ?? null);
    }
  };
}
