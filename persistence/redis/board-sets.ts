import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { PlayerId } from '../../schema/ids.ts';
import { KEPT_BEYOND, keyOf, type BoardSets, type SetName, type SetRow, type TopAsked } from '../board-sets.ts';
import { SetAdditions, SET_TTL_S } from './set-additions.ts';
import { SetQuestions, type Marked } from './set-questions.ts';

const PREFIX = 'strongroom:board:';
/** Who fills a set and says nothing for so long is not believed any more. */
const FILLER_MS = 3_000;

/** The scripts beside this file, as commands. */
interface Scripts {
  beginSet(...keysAndArguments: (string | number)[]): Promise<number>;
  renewFilling(...keysAndArguments: (string | number)[]): Promise<number>;
  finishSet(...keysAndArguments: (string | number)[]): Promise<number>;
}

/** Sets on a Redis, and which run of it they are believed of. */
export interface RedisBoardSets extends BoardSets {
  /** Answers, and its run is known. */
  isUp(): boolean;
  stop(): void;
}

/**
 * One sorted set for each name. What makes it complete is a mark beside it with the run of the server that it was filled in: a set that
 * was flushed has none, and one that a new run read from an old file has another's. Every question is answered with that mark. [LB5]
 *
 * By `best`, and by a sum whose higher score is the better one, a newer score has the lower key, and ZADD LT is the guard; otherwise
 * the versions stand in a hash.
 */
export function redisBoardSets(redis: Redis): RedisBoardSets {
  const scripts = withScripts(redis);
  const questions = new SetQuestions(redis);
  const additions = new SetAdditions(redis);
  let run: string | undefined;
  const learn = async () => {
    run = /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1];
  };
  const onReady = () => void learn().catch(() => undefined); // the connection is lost again, and comes back again
  const onClose = () => (run = undefined);
  redis.on('ready', onReady);
  redis.on('close', onClose);
  if (redis.status === 'ready') onReady();

  const runNow = (): string => {
    if (run === undefined) throw new Error('Redis does not answer');
    return run;
  };
  async function ask<Raw, Answer>(question: Promise<Marked<Raw>>, answerOf: (raw: Raw) => Answer): Promise<Answer | undefined> {
    const { mark, answer } = await question;
    return mark === runNow() ? answerOf(answer) : undefined;
  }
  const rowsOf = (name: SetName, raw: readonly string[]): SetRow[] => {
    const rows: SetRow[] = [];
    for (let at = 0; at < raw.length; at += 2) rows.push({ player: raw[at] as PlayerId, value: keyOf(name, Number(raw[at + 1])) });
    return rows;
  };

  return {
    isUp: () => run !== undefined && redis.status === 'ready',
    stop() {
      redis.off('ready', onReady);
      redis.off('close', onClose);
    },
    async apply(name, entries) {
      const ran = runNow();
      const isVersioned = name.rule === 'latest' || (name.rule === 'sum' && name.isLower);
      const rules = { isVersioned, keep: name.keep, trimAt: Math.floor(name.keep * KEPT_BEYOND) };
      const marks = await additions.add(keysOf(name), rules, entries.map(({ player, value, version }) => ({ key: keyOf(name, value), player, version })));
      return marks.every((mark) => mark === ran);
    },
    async tops(asked) {
      const answers = await questions.tops(asked.map(({ name, limit }) => ({ ...keysOf(name), limit })));
      const ran = runNow();
      return answers.map(({ mark, answer }, at) => (mark === ran ? rowsOf((asked[at] as TopAsked).name, answer) : undefined));
    },
    async scores(name, players) {
      const { set, known } = keysOf(name);
      return players.length === 0 ? [] : await ask(questions.keys(set, known, players), (raw) => raw.map((key) => (key === null ? null : keyOf(name, Number(key)))));
    },
    async better(name, values) {
      const { set, known } = keysOf(name);
      return values.length === 0 ? [] : await ask(questions.below(set, known, values.map((value) => keyOf(name, value))), (counts) => counts);
    },
    around(name, { player, value }, radius) {
      const { set, known } = keysOf(name);
      return ask(questions.around(set, known, keyOf(name, value), player, radius), ([before, from, raw]) => ({ before, from, rows: rowsOf(name, raw) }));
    },
    size(name) {
      const { set, known } = keysOf(name);
      return ask(questions.size(set, known), (count) => count);
    },
    async begin(name, fresh = false) {
      const { set, known, versions, filler } = keysOf(name);
      additions.forget({ set, known, versions });
      const filling = `${runNow()}:${randomUUID()}`;
      return (await scripts.beginSet(known, filler, set, versions, filling, FILLER_MS, SET_TTL_S, fresh ? 'fresh' : '')) === 1 ? filling : undefined;
    },
    async renew(name, filling) {
      const { known, filler } = keysOf(name);
      return (await scripts.renewFilling(known, filler, filling, FILLER_MS)) === 1;
    },
    async finish(name, filling) {
      const { known, filler } = keysOf(name);
      const ran = runNow();
      // A new run may have read the beginning from its file, and not all that came behind it.
      return filling.startsWith(`${ran}:`) && (await scripts.finishSet(known, filler, filling, ran)) === 1;
    },
    async drop(name) {
      const { set, known, versions } = keysOf(name);
      additions.forget({ set, known, versions });
      await redis.unlink(set, known, versions);
    },
  };
}

function keysOf({ board, season, region, isLower, rule, keep }: SetName) {
  // In braces: what one script writes is on one node of a cluster.
  const set = `${PREFIX}{${board}:${season}:${region}:${isLower ? 'asc' : 'desc'}:${rule}:${keep}}`;
  return { set, known: `${set}:known`, versions: `${set}:versions`, filler: `${set}:filler` };
}

function withScripts(redis: Redis): Scripts {
  const lua = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
  redis.defineCommand('addScores', { lua: lua('add-scores.lua') });
  redis.defineCommand('askSets', { lua: lua('ask-sets.lua'), readOnly: true });
  redis.defineCommand('beginSet', { numberOfKeys: 4, lua: lua('begin-set.lua') });
  redis.defineCommand('renewFilling', { numberOfKeys: 2, lua: lua('renew-filling.lua') });
  redis.defineCommand('finishSet', { numberOfKeys: 2, lua: lua('finish-set.lua') });
  return redis as unknown as Scripts;
}
