import { setTimeout as delay } from 'node:timers/promises';
import { pick, type Random } from '../../bench/kit/holdings.ts';
import type { Bot } from './bot.ts';

const LOOK_MS = 5;

/**
 * Gives deeds to bots that are online and at nothing, in the order in which the deeds ask. When nobody is free one look
 * serves all who wait: with a look for each, the deeds that gather behind a fault would take the CPU that ends it.
 */
export class FreeBots {
  readonly #bots: readonly Bot[];
  readonly #random: Random;
  readonly #waiting: ((bot: Bot) => void)[] = [];
  #isLooking = false;

  constructor(bots: readonly Bot[], random: Random) {
    this.#bots = bots;
    this.#random = random;
  }

  /** It is at something from then on; its owner says when it no longer is. */
  take(): Promise<Bot> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isLooking) void this.#look();
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    for (;;) {
      const free = this.#bots.filter((bot) => !bot.isBusy && bot.isOnline);
      while (free.length > 0 && this.#waiting.length > 0) {
        const bot = pick(this.#random, free);
        free[free.indexOf(bot)] = free.at(-1) as Bot;
        free.pop();
        bot.isBusy = true;
        this.#waiting.shift()?.(bot);
      }
      if (this.#waiting.length === 0) break;
      await delay(LOOK_MS);
    }
    this.#isLooking = false;
  }
}
