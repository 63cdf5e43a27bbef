export interface Poll {
  /** Asks at once, and then goes on as before. */
  now(): void;
  stop(): void;
}

/** Asks again and again, and not at all while nobody looks at the page. */
export function poll<Answer>({ ask, everyMs, answered, failed }: { ask: () => Promise<Answer>; everyMs: number; answered: (answer: Answer) => void; failed?: (error: unknown) => void }): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let round = 0;
  let isStopped = false;

  async function once(): Promise<void> {
    clearTimeout(timer);
    const own = ++round;
    const act = await ask().then((answer) => () => answered(answer), (error: unknown) => () => failed?.(error));
    // Who was asked later knows better.
    if (isStopped || own !== round) return;
    act();
    if (!document.hidden) timer = setTimeout(() => void once(), everyMs);
  }
  const turn = () => {
    if (document.hidden) clearTimeout(timer);
    else void once();
  };
  document.addEventListener('visibilitychange', turn);
  if (!document.hidden) void once();
  return {
    now: () => void once(),
    stop() {
      isStopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', turn);
    },
  };
}
