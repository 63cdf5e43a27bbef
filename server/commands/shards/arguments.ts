import { InvalidArgumentError } from 'commander';

const SLOT_MAX = 1_023;

/** `12` or `40-63`, after those that were given before it. */
export function slots(text: string, before: readonly number[] = []): number[] {
  const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || first > last || last > SLOT_MAX) throw new InvalidArgumentError(`A slot is a number from 0 to ${SLOT_MAX}, or a range such as 40-63.`);
  return [...before, ...Array.from({ length: last - first + 1 }, (_, at) => first + at)];
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A message must not repeat a URL: it carries a password. @returns what is wrong with it, if anything is */
export function wrongDatabaseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:';
  return isPostgres && url.pathname.length > 1 ? undefined : 'the URL does not name a PostgreSQL database: write postgres://user:password@host:5432/database';
}
