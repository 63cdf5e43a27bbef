/** The wait before attempt n (from 0): doubles up to a bound, with jitter so that a restart is not met by everyone at once. */
export function backOffMs(attempt: number, { firstMs = 400, maxMs = 8000 } = {}): number {
  const full = Math.min(maxMs, firstMs * 2 ** attempt);
  return full * (0.7 + 0.6 * Math.random());
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
