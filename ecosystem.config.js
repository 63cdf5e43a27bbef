import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const root = path.dirname(fileURLToPath(import.meta.url));
const settings = { ...(existsSync(path.join(root, '.env')) ? parseEnv(readFileSync(path.join(root, '.env'), 'utf8')) : {}), ...process.env };
// The machine's own Node may be older than the one that came with the packages.
const node = path.join(root, 'node_modules/.bin/node');
// The web client, as before `npm start`: built if it is missing or older than its source.
if (process.argv.some((word) => ['start', 'restart', 'reload'].includes(word))) spawnSync(node, ['server/commands/build-web.ts'], { cwd: root, stdio: 'inherit' });

/**
 * `PROCESSES=4 npx pm2 start ecosystem.config.js`: process n is told its number in NODE_APP_INSTANCE and listens on PORT + n.
 * Settings come from the environment of this command and from `.env`; what is wrong with them, the server says in one line of
 * `npx pm2 logs`. See docs/OPERATIONS.md.
 */
export const apps = [
  {
    name: 'strongroom',
    script: 'server/main.ts',
    cwd: root,
    interpreter: node,
    // What is compiled once is compiled for all, and for the next start.
    env: { NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/strongroom/compiled') },
    // Never cluster: there all processes share one port, and a client must reach the one that has its room.
    exec_mode: 'fork',
    instances: Number(settings.PROCESSES) || 1,

    // Ready is who serves, and has met the others. A start that is not ready by then is not waited for any longer.
    wait_ready: true,
    listen_timeout: 60_000,
    // The server ends by itself within 15 s, with everything that it started: the embedded PostgreSQL must outlive its last commit.
    kill_timeout: 20_000,
    treekill: false,

    // A process that fails comes back, later each time; one that does not stay up for 30 s, 10 times in a row, does not.
    exp_backoff_restart_delay: 200,
    min_uptime: 30_000,
    max_restarts: 10,
    // A net: it is ended in order, as by a reload.
    max_memory_restart: '2G',
    watch: false,

    // One pair of files for all processes; each line has its process's number.
    merge_logs: true,
    // As `npm start` runs it: without what PM2 would put into the process.
    pmx: false,
    disable_source_map_support: true,
  },
];
