import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { assemble, type Config } from './config.ts';
import { parseEnvironment } from './flat-environment.ts';

export { ConfigError } from './config-error.ts';
export type { Config } from './config.ts';

/**
 * The configuration of this process, read once, at its start.
 * @param env the settings; this process's environment, over a `.env` file in the working folder, unless given
 * @throws {ConfigError} whose one line names the setting and the remedy
 */
export function loadConfig(env: NodeJS.ProcessEnv = readEnvironment()): Config {
  return assemble(parseEnvironment(env));
}

function readEnvironment(): NodeJS.ProcessEnv {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  return { ...file, ...process.env };
}
