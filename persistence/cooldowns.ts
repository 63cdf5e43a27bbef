/** Until when things are used up, for every process: who takes one has it alone. Never the truth about value. */
export interface Cooldowns {
  /**
   * Takes it until `readyAt`, unless somebody has it. Times are Unix milliseconds.
   * @returns when it is ready, if somebody has it
   * @throws when it cannot be asked: nothing is taken
   */
  take(key: string, readyAt: number): Promise<number | undefined>;
  /** For one that was taken in vain. */
  giveBack(key: string, readyAt: number): Promise<void>;
}

export function memoryCooldowns({ now = Date.now }: { now?: () => number } = {}): Cooldowns {
  const taken = new Map<string, number>();
  return {
    async take(key, readyAt) {
      const before = taken.get(key) ?? 0;
      if (before > now()) return before;
      taken.set(key, readyAt);
      return undefined;
    },
    async giveBack(key, readyAt) {
      if (taken.get(key) === readyAt) taken.delete(key);
    },
  };
}
