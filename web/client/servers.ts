import { Client, type Room } from '@colyseus/sdk';
import { backOffMs, sleep } from './back-off.ts';
import { joinWithin } from './give-up.ts';
import { readJoinFailure } from './join-failure.ts';

export interface ServersOptions {
  /** Server processes, or one load balancer, in the order of preference. */
  endpoints: string | readonly string[];
  /** Of an earlier sign-in. */
  token?: string | undefined;
  /** Hears of each new token, to keep it; '' after signing out. */
  onToken?: (token: string) => void;
  /** How often all endpoints are tried for one sign-in. */
  signInRoundsMax?: number;
}

const ROUNDS_MAX = 5;
/** Longer than a matchmaker takes to find that the process of a listed room is dead. */
const PATIENCE_MS = 10_000;

/**
 * The server processes as one: what cannot be had of one is asked of the next, and the one that answered last is asked
 * first. Holds the player's token, which every process takes. [CL1]
 */
export class Servers {
  readonly #clients: readonly Client[];
  readonly #onToken: (token: string) => void;
  readonly #signInRoundsMax: number;
  #preferred = 0;
  #token: string;

  constructor({ endpoints, token = '', onToken = () => undefined, signInRoundsMax = ROUNDS_MAX }: ServersOptions) {
    this.#clients = [endpoints].flat().map((endpoint) => new Client(endpoint));
    if (this.#clients.length === 0) throw new RangeError('at least one endpoint is needed');
    this.#token = token;
    this.#onToken = onToken;
    this.#signInRoundsMax = signInRoundsMax;
  }

  get token(): string {
    return this.#token;
  }

  /** A new guest. @returns what the server says of the user */
  async signInAnonymously<User>(options: { name?: string } = {}): Promise<User> {
    this.#take('');
    return await this.#signIn('anonymous', { options });
  }

  async signIn<User>(email: string, password: string): Promise<User> {
    return await this.#signIn('login', { email, password });
  }

  /** Makes an e-mail account; a guest who is signed in gets the e-mail and keeps its player. */
  async register<User>(email: string, password: string): Promise<User> {
    return await this.#signIn('register', { email, password });
  }

  /** Whose the token is. */
  async user<User>(): Promise<User> {
    const { user } = await this.#anywhere(async (client) => (await client.http.get('/auth/userdata', { signal: AbortSignal.timeout(PATIENCE_MS) })).data as { user: User });
    return user;
  }

  signOut(): void {
    this.#take('');
  }

  /** A seat in a room of that name and those options, made if there is none. @throws what `readJoinFailure` reads */
  async joinOrCreate<State>(name: string, options: object = {}): Promise<Room<unknown, State>> {
    return await this.#anywhere((client) => joinWithin(client, PATIENCE_MS, (server) => server.joinOrCreate<State>(name, { ...options })));
  }

  async joinById<State>(roomId: string, options: object = {}): Promise<Room<unknown, State>> {
    return await this.#anywhere((client) => joinWithin(client, PATIENCE_MS, (server) => server.joinById<State>(roomId, { ...options })));
  }

  /** The seat that the server keeps for a while after a connection failed. Without it one joins anew, so nobody else is asked. */
  async reconnect<State>(reconnectionToken: string): Promise<Room<unknown, State>> {
    return await this.#anywhere((client) => joinWithin(client, PATIENCE_MS, (server) => server.reconnect<State>(reconnectionToken)), { missingIsFinal: true });
  }

  async #signIn<User>(route: string, body: object): Promise<User> {
    for (let round = 0; ; round++) {
      try {
        const { user, token } = await this.#anywhere(async (client) => (await client.http.post(`/auth/${route}`, { body, signal: AbortSignal.timeout(PATIENCE_MS) })).data as { user: User; token: string });
        this.#take(token);
        return user;
      } catch (error) {
        if (readJoinFailure(error).kind !== 'elsewhere' || round + 1 >= this.#signInRoundsMax) throw error;
        await sleep(backOffMs(round));
      }
    }
  }

  /** One round through the processes. @throws the most telling of their failures */
  async #anywhere<Result>(work: (client: Client) => Promise<Result>, { missingIsFinal = false } = {}): Promise<Result> {
    const first = this.#preferred;
    let failure: unknown;
    for (let step = 0; step < this.#clients.length; step++) {
      const at = (first + step) % this.#clients.length;
      const client = this.#clients[at] as Client;
      client.auth.token = this.#token;
      try {
        const result = await work(client);
        this.#preferred = at;
        return result;
      } catch (error) {
        const { kind } = readJoinFailure(error);
        if (kind !== 'elsewhere' && (missingIsFinal || kind !== 'missing')) throw error;
        if (failure === undefined || kind === 'missing') failure = error;
      }
    }
    throw failure;
  }

  #take(token: string): void {
    this.#token = token;
    this.#onToken(token);
  }
}
