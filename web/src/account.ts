import { ServerError } from '@colyseus/sdk';
import { cell, Servers } from '../client/index.ts';

/** What the token says of its owner; guests have no e-mail. Both are absent until the server has been asked. */
export interface AccountUser {
  email?: string | undefined;
  anonymous?: boolean | undefined;
}

/**
 * `?player=2` makes this tab a second player in the same browser: the suffix keeps its token and its hints apart.
 * Without it, all tabs of a browser are one player.
 */
export const playerSlot = new URLSearchParams(location.search).get('player')?.slice(0, 16) ?? '';

export function storageKey(name: string): string {
  return playerSlot ? `strongroom:${name}:${playerSlot}` : `strongroom:${name}`;
}

/** The server of this page. The token is kept for the next visit. */
export const servers = new Servers({
  endpoints: location.origin,
  token: localStorage.getItem(storageKey('token')) ?? '',
  onToken: (token) => (token ? localStorage.setItem(storageKey('token'), token) : localStorage.removeItem(storageKey('token'))),
  // Whoever looks at the form tries again.
  signInRoundsMax: 1,
});

/** Who is signed in; `undefined` until that is known. */
export const account = cell<AccountUser | null | undefined>(undefined);

/** With a remembered token the game opens at once, and the server is asked meanwhile whose it is. */
export async function restoreAccount(): Promise<void> {
  if (!servers.token) return account.set(null);
  account.set({});
  await verifyAccount();
}

/**
 * Asks whose the token is. Only when the accounts do not know it is it forgotten, since a guest has no other key: a
 * room that refused it, or a server that is away, is no reason.
 */
export async function verifyAccount(): Promise<void> {
  try {
    account.set(await servers.user<AccountUser>());
  } catch (error) {
    if (isUnauthenticated(error)) signOut();
  }
}

export async function playAsGuest(): Promise<void> {
  account.set(await servers.signInAnonymously<AccountUser>());
}

export async function signIn(email: string, password: string): Promise<void> {
  account.set(await servers.signIn<AccountUser>(email, password));
}

/** Makes an e-mail account. Signed in as a guest, the guest's own account gets the e-mail and keeps its player. */
export async function register(email: string, password: string): Promise<void> {
  account.set(await servers.register<AccountUser>(email, password));
}

export function signOut(): void {
  servers.signOut();
  account.set(null);
}

const AUTH_TEXTS: Record<string, string> = {
  invalid_credentials: 'That e-mail and password do not belong together.',
  email_malformed: 'That is not an e-mail address.',
  email_already_in_use: 'There is an account with this e-mail already. Sign in instead.',
  password_too_short: 'The password needs at least 6 characters.',
  banned: 'This account is suspended.',
};

/** One sentence for a failed sign-in. */
export function authFailureText(error: unknown): string {
  if (!(error instanceof ServerError)) return 'The server cannot be reached. Try again in a moment.';
  if (error.status === 429) return 'Too many attempts. Wait a moment and try again.';
  const known = Object.keys(AUTH_TEXTS).find((code) => error.message.includes(code));
  if (known) return AUTH_TEXTS[known] ?? error.message;
  if (error.status === undefined || error.status >= 500) return 'The server cannot be reached. Try again in a moment.';
  return 'That did not work. Check the e-mail and the password.';
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof ServerError && (error.status === 401 || error.status === 403);
}
