import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Cooldowns } from '../cooldowns.ts';

interface Scripts {
  takeCooldown(key: string, readyAt: number, ms: number): Promise<string | null>;
  giveBackCooldown(key: string, readyAt: number): Promise<number>;
}

const script = (name: string) => ({ numberOfKeys: 1, lua: readFileSync(new URL(name, import.meta.url), 'utf8') });

/** Cooldowns that all processes see; a Redis that is emptied makes everything ready. */
export function redisCooldowns(redis: Redis, { now = Date.now }: { now?: () => number } = {}): Cooldowns {
  redis.defineCommand('takeCooldown', script('take-cooldown.lua'));
  redis.defineCommand('giveBackCooldown', script('give-back-cooldown.lua'));
  const scripts = redis as Redis & Scripts;
  return {
    async take(key, readyAt) {
      const held = await scripts.takeCooldown(`strongroom:cooldown:${key}`, readyAt, Math.max(1, readyAt - now()));
      return held === null ? undefined : Number(held);
    },
    async giveBack(key, readyAt) {
      await scripts.giveBackCooldown(`strongroom:cooldown:${key}`, readyAt);
    },
  };
}
