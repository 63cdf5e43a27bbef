import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import type { FlatEnvironment } from './flat-environment.ts';

const LENGTH_MIN = 16;

const SETTINGS = { jwtSecret: 'JWT_SECRET', serviceKey: 'SERVICE_KEY', adminPassword: 'ADMIN_PASSWORD' } as const;
const NAMES = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[];

export type Secrets = Record<keyof typeof SETTINGS, string>;

const StoredSecrets = z.partialRecord(z.enum(NAMES), z.string().min(LENGTH_MIN));

/** Demands every secret from the environment: one that was made up at a start would differ between processes. */
export function demandSecrets(flat: FlatEnvironment): Secrets {
  for (const setting of Object.values(SETTINGS)) {
    const given = flat[setting];
    if (!given) throw new ConfigError(`${setting} is not set, and NODE_ENV is production: set it to a random text of at least ${LENGTH_MIN} characters.`);
    if (given.length < LENGTH_MIN) throw new ConfigError(`${setting} has ${given.length} characters, and NODE_ENV is production: use at least ${LENGTH_MIN}.`);
  }
  return fromEnvironment(flat) as Secrets;
}

/** Secrets for development: those of the environment, and the others made once and kept for the owner's eyes only. */
export function keepSecrets(flat: FlatEnvironment, dataDir: string): Secrets {
  const given = fromEnvironment(flat);
  if (NAMES.every((name) => given[name])) return given as Secrets;
  const file = path.join(dataDir, 'secrets.json');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return { ...readOrMake(file), ...given };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`DATA_DIR cannot hold the secrets (${(error as NodeJS.ErrnoException).code} on ${file}): choose a folder that this user can write to.`);
  }
}

function readOrMake(file: string): Secrets {
  const stored = read(file);
  if (stored && NAMES.every((name) => stored[name])) {
    chmodSync(file, 0o600);
    return stored as Secrets;
  }
  const made = Object.fromEntries(NAMES.map((name) => [name, stored?.[name] ?? randomBytes(32).toString('base64url')])) as Secrets;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flush: true });
  try {
    if (stored) renameSync(draft, file);
    else linkSync(draft, file); // unlike a rename, it fails when another process was faster
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readOrMake(file);
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file: string): Partial<Secrets> | undefined {
  try {
    return StoredSecrets.parse(JSON.parse(readFileSync(file, 'utf8'))) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new ConfigError(`${file} is damaged: restore it, or remove it and every player has to sign in again.`);
    }
    throw error;
  }
}

function fromEnvironment(flat: FlatEnvironment): Partial<Secrets> {
  return Object.fromEntries(NAMES.filter((name) => flat[SETTINGS[name]]).map((name) => [name, flat[SETTINGS[name]]]));
}
