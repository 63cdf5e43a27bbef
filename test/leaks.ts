const GRACE_MS = 10_000;

/**
 * Mocha waits for whatever the tests left open, so a leak shows as a run that does not end. Nobody watches a run for
 * that: after a grace the run names what is open and fails. The timer itself keeps nothing alive.
 */
export const mochaHooks = {
  afterAll() {
    setTimeout(() => {
      console.error(`The tests left something open: ${process.getActiveResourcesInfo().join(', ')}.`);
      process.exit(1);
    }, GRACE_MS).unref();
  },
};
