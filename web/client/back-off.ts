/** The wait before attempt n (from 0): doubles up to a bound, with jitter so that a restart is not met by everyone at once. */
export function backOffMs(attempt: number, { firstMs = 400, maxMs = 8000 } = {}): number {
  const full = Math.min(maxMs, firstMs * 2 ** attempt);
  return full * (0.7 + 0.6 * Math.random());
}

/** Also ends, early and without an error, when the signal is given. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    if (signal?.aborted) wake();
    else signal?.addEventListener('abort', wake);
  });
}
