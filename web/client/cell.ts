/** One value that can be watched. A watcher hears of changes only; `watchNow` also hears the present value at once. */
export interface Cell<Value> {
  get(): Value;
  set(value: Value): void;
  watch(listener: (value: Value, before: Value) => void): () => void;
  watchNow(listener: (value: Value) => void): () => void;
}

export function cell<Value>(initial: Value): Cell<Value> {
  const listeners = new Set<(value: Value, before: Value) => void>();
  let current = initial;
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      const before = current;
      current = value;
      for (const listener of [...listeners]) listener(value, before);
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watchNow(listener) {
      listener(current);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Waits until the value is as asked, the present one included. @returns false when the time was over first */
export function becomes<Value>(cell: Cell<Value>, asked: (value: Value) => boolean, withinMs: number): Promise<boolean> {
  if (asked(cell.get())) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (came: boolean) => {
      clearTimeout(timer);
      stop();
      resolve(came);
    };
    const stop = cell.watch((value) => {
      if (asked(value)) end(true);
    });
    const timer = setTimeout(() => end(false), withinMs);
  });
}
