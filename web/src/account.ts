import { Client, ServerError } from '@colyseus/sdk';
import { cell } from './cell.ts';

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

export const client = createClient();

/** Who is signed in; `undefined` until that is known. */
export const account = cell<AccountUser | null | undefined>(undefined);

/** With a remembered token the game opens at once, and the server is asked meanwhile whose it is. */
export async function restoreAccount(): Promise<void> {
  if (!client.auth.token) return account.set(null);
  account.set({});
  await verifyAccount();
}

/**
 * Asks whose the token is. Only when the accounts do not know it is it forgotten, since a guest has no other key: a
 * room that refused it, or a server that is away, is no reason.
 */
export async function verifyAccount(): Promise<void> {
  try {
    const { user } = await client.auth.getUserData<AccountUser>();
    account.set(user);
  } catch (error) {
    if (isUnauthenticated(error)) await signOut();
  }
}

export async function playAsGuest(): Promise<void> {
  await forgetToken();
  const { user } = await client.auth.signInAnonymously<AccountUser>();
  account.set(user);
}

export async function signIn(email: string, password: string): Promise<void> {
  const { user } = await client.auth.signInWithEmailAndPassword<AccountUser>(email, password);
  account.set(user);
}

/** Makes an e-mail account. Signed in as a guest, the guest's own account gets the e-mail and keeps its player. */
export async function register(email: string, password: string): Promise<void> {
  const { user } = await client.auth.registerWithEmailAndPassword<AccountUser>(email, password);
  account.set(user);
}

export async function signOut(): Promise<void> {
  await forgetToken();
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

async function forgetToken(): Promise<void> {
  await client.auth.signOut();
}

function createClient(): Client {
  const made = new Client(location.origin);
  // The SDK keeps the token in localStorage under this key from now on; what it read at its own key is put aside.
  made.auth.settings.key = storageKey('token');
  made.auth.token = localStorage.getItem(made.auth.settings.key) ?? '';
  return made;
}
