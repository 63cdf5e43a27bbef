import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const DEEDS = ['walk', 'gather', 'trade', 'deposit', 'board', 'reconnect'] as const;
export type Deed = (typeof DEEDS)[number];

const share = z.number().min(0);
const Profile = z.strictObject({
  /** Players. */
  bots: z.int().min(2).max(20_000),
  /** From the first bot's arrival to the last deed. */
  durationS: z.int().min(2).max(86_400),
  arriveS: z.number().min(0).max(3_600),
  /** Between two deeds of one bot, on average. */
  everyMs: z.int().min(20).max(3_600_000),
  /** Server processes. */
  processes: z.int().min(1).max(64),
  shards: z.int().min(1).max(64).default(4),
  botProcesses: z.int().min(1).max(64).default(2),
  killEveryS: z.number().positive().optional(),
  mix: z.strictObject(Object.fromEntries(DEEDS.map((deed) => [deed, share.default(0)])) as Record<Deed, z.ZodDefault<typeof share>>),
});
export type Profile = z.output<typeof Profile>;
/** What the command line may say otherwise. */
export type ProfileChanges = Partial<Pick<Profile, 'bots' | 'durationS' | 'arriveS' | 'everyMs' | 'processes' | 'botProcesses'>>;

/** What the person who started it can put right, in one line. */
export class ProfileError extends Error {}

export const PROFILES = path.join(import.meta.dirname, 'profiles.yaml');

/** A profile of a file, by its name, with changes. @throws {ProfileError} */
export function readProfile(name: string, changes: ProfileChanges = {}, file = PROFILES): Profile {
  const all = (parse(readFileSync(file, 'utf8')) ?? {}) as Record<string, object>;
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found === undefined) throw new ProfileError(`There is no profile "${name}": name one of ${Object.keys(all).join(', ')}.`);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const parsed = Profile.safeParse({ ...found, ...given });
  if (!parsed.success) throw new ProfileError(`The profile "${name}" is not right: ${parsed.error.issues.map(({ path: where, message }) => `${where.join('.')}: ${message}`).join('; ')}.`);
  if (DEEDS.every((deed) => parsed.data.mix[deed] === 0)) throw new ProfileError(`The profile "${name}" has nothing to do: give one of ${DEEDS.join(', ')} a share in its mix.`);
  return parsed.data;
}
