import type { Credentials, PlayerStore, StoredAccount } from '../../persistence/index.ts';
import type { PlayerId } from '../../schema/ids.ts';
import { PlayerName } from '../../schema/messages/player.ts';
import { Refusal } from '../../schema/refusals.ts';

const LOGIN_MAX = 320;
const NAMES = ['Ash', 'Briar', 'Clove', 'Dale', 'Ember', 'Fern', 'Gale', 'Hazel', 'Iris', 'Juniper', 'Kestrel', 'Lark', 'Moss', 'Nettle', 'Oak', 'Pike', 'Quill', 'Rowan', 'Sorrel', 'Thorn'];

/** What the token says of its bearer. */
export interface Identity {
  playerId: PlayerId;
  anonymous: boolean;
  email?: string;
}

/** Players' ways in; hashing, tokens and routes are @colyseus/auth's. [AC1] [AC2] */
export class Accounts {
  readonly #players: PlayerStore;
  readonly #regions: () => readonly string[];

  /** @param regions where players may be at home; the first one unless they say so */
  constructor(players: PlayerStore, regions: () => readonly string[]) {
    this.#players = players;
    this.#regions = regions;
  }

  async registerAnonymous(options: unknown): Promise<Identity & { name: string }> {
    const name = nameFrom(options);
    return { playerId: await this.#players.create({ name, region: this.#regionFrom(options) }), anonymous: true, name };
  }

  /**
   * Makes an account with a new player, or gives the upgrading player its login.
   * @throws {Refusal} BAD_REQUEST when the e-mail is taken or the player already has a login; UNKNOWN_PLAYER
   */
  async register(email: string, passwordHash: string, options: unknown, upgrading: PlayerId | undefined): Promise<void> {
    const credentials: Credentials = { login: foldLogin(email), passwordHash };
    if (upgrading !== undefined) await this.#players.upgrade(upgrading, credentials);
    else await this.#players.create({ name: nameFrom(options), region: this.#regionFrom(options) }, credentials);
  }

  #regionFrom(options: unknown): string {
    const wanted = (options as { region?: unknown } | null | undefined)?.region;
    const regions = this.#regions();
    return regions.find((region) => region === wanted) ?? regions[0] ?? '';
  }

  async findByEmail(email: string): Promise<StoredAccount | undefined> {
    return await this.#players.findAccount(foldLogin(email));
  }
}

/** One person's address in two spellings is one account. */
function foldLogin(email: string): string {
  const login = email.trim().toLowerCase();
  if (login.length > LOGIN_MAX) throw new Refusal('BAD_REQUEST', { reason: 'email_malformed' });
  return login;
}

function nameFrom(options: unknown): string {
  const wanted = (options as { name?: unknown } | null | undefined)?.name;
  const parsed = PlayerName.safeParse(wanted);
  if (parsed.success) return parsed.data;
  const adjective = NAMES[Math.floor(Math.random() * NAMES.length)] ?? 'Ash';
  return `${adjective} ${Math.floor(Math.random() * 9000 + 1000)}`;
}
