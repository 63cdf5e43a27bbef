import type { Logger } from './telemetry/index.ts';

/** One thing to end, named as the log is to know it. */
export type Step = readonly [name: string, end: () => unknown];

export interface ShutdownOptions {
  maxMs: number;
  log: Pick<Logger, 'error'>;
}

/**
 * Ends one thing after the other. One that fails keeps nobody from the rest, and one that does not end is not waited for
 * beyond the bound.
 * @returns whether all ended, in time and without a failure
 * @see docs/SPEC.md SD1, SD5
 */
export async function shutDown(steps: readonly Step[], { maxMs, log }: ShutdownOptions): Promise<boolean> {
  let at = '';
  let failed = false;
  const all = async (): Promise<'ended'> => {
    for (const [name, end] of steps) {
      at = name;
      try {
        await end();
      } catch (error) {
        failed = true;
        log.error({ err: error, step: name }, 'a step of the shutdown failed');
      }
    }
    return 'ended';
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), maxMs)));
  const how = await Promise.race([all(), late]);
  clearTimeout(timer);
  if (how === 'late') log.error({ step: at, maxMs }, 'the shutdown is cut off: what was not answered is decided by the databases');
  return how === 'ended' && !failed;
}
