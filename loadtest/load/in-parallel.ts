/** Does the work for every value, so many at a time. */
export async function inParallel<Value>(values: readonly Value[], width: number, work: (value: Value) => Promise<unknown>): Promise<void> {
  const queue = values.values();
  await Promise.all(
    Array.from({ length: Math.min(width, values.length) }, async () => {
      for (const value of queue) await work(value);
    }),
  );
}
