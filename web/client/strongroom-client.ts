import type { CommandId } from '../../schema/ids.ts';
import type { CommandOutcomeAnswer } from '../../schema/messages/player.ts';
import type { RoomName } from '../../schema/rooms.ts';
import { sleep } from './back-off.ts';
import { becomes } from './cell.ts';
import { newCommandId } from './command-id.ts';
import { readFailure } from './failures.ts';
import type { KeptSeats } from './kept-seats.ts';
import type { RoomLinkOptions, State } from './link-types.ts';
import { RoomLink } from './room-link.ts';
import { Servers, type ServersOptions } from './servers.ts';

/** By then the player's own room has heard of a session that is not ours. */
const DISPLACED_WAIT_MS = 1000;
const COMING_BACK_MS = 60_000;

export interface StrongroomOptions {
  /** Seats from before a reload, and where they are put for the next. */
  seats?: KeptSeats | undefined;
  /** The servers do not know the token, or could not look it up. */
  unauthenticated?: (() => void) | undefined;
}

/** How a room is found: by what `joinOrCreate` takes, or by its id. */
export type Way = { options: object } | { roomId: string };

/**
 * One player's session: the private room, and the shared rooms that follow it. They are entered once the player is there,
 * left when someone else took over, and taken again when the newer session is our own. [CL5] [CL6]
 */
export class StrongroomClient {
  readonly servers: Servers;
  /** The session: the player's own room. */
  readonly player: RoomLink<'player'>;
  readonly #options: StrongroomOptions;
  readonly #followers = new Map<string, RoomLink>();
  /** By which the servers know that a newer session is this client's: its seats stay its own. */
  readonly #clientId = newCommandId();

  constructor({ servers, ...options }: StrongroomOptions & ({ servers: Servers } | ({ servers?: undefined } & ServersOptions))) {
    this.servers = servers ?? new Servers(options as ServersOptions);
    this.#options = options;
    this.player = this.#link('player', 'player', { options: {} }, { unauthenticated: options.unauthenticated });
    this.player.status.watch(({ kind }) => this.#playerMoved(kind));
  }

  start(): void {
    this.player.start();
  }

  /** From `replaced` or `lost`: takes the session back, or tries again. */
  comeBack(): void {
    if (this.player.status.get().kind === 'live') this.#enter();
    else this.player.start();
  }

  /** Gives every seat back; the token stays. */
  close(): void {
    for (const link of this.#followers.values()) link.close();
    this.#followers.clear();
    this.player.close();
  }

  zone(zone = 'meadow'): RoomLink<'zone'> {
    return this.follow('zone', { options: { zone } });
  }

  /** Stops trying sooner than others: a trade does not wait. */
  trade(tradeId: string): RoomLink<'trade'> {
    return this.follow('trade', { roomId: tradeId }, { joinsMax: 6 });
  }

  /** One's own guild; who is no member is refused, and the link is `gone`. */
  guild(guildId: string): RoomLink<'guild'> {
    return this.follow('guild', { options: { guildId } });
  }

  /** The best of a board, in a region or in all of them: `global`. */
  leaderboard(board: string, region = 'global'): RoomLink<'leaderboard'> {
    return this.follow('leaderboard', { options: { board, region } });
  }

  /** Any shared room, entered as soon as the player is there; asked for again, the same link until it was closed. */
  follow<Name extends Exclude<RoomName, 'player'>>(name: Name, way: Way, { joinsMax }: { joinsMax?: number } = {}): RoomLink<Name> {
    const key = `${name}:${'roomId' in way ? way.roomId : JSON.stringify(way.options)}`;
    const known = this.#followers.get(key);
    if (known !== undefined) return known as unknown as RoomLink<Name>;
    const link = this.#link(name, key, way, { joinsMax, isOurs: () => this.#isOurs() });
    this.#followers.set(key, link as unknown as RoomLink);
    link.status.watch(({ kind }) => {
      if (kind === 'closed' && this.#followers.get(key) === (link as unknown as RoomLink)) this.#followers.delete(key);
    });
    if (this.player.status.get().kind === 'live') link.start();
    return link;
  }

  /** What became of a command of this player; it can be asked after the room that took it is gone. @throws {Refused | AnswerLost} */
  async outcome(commandId: CommandId): Promise<CommandOutcomeAnswer> {
    return await this.player.request('command:outcome', { commandId });
  }

  /** Looks whether the connections are still there, as when a machine wakes up. */
  probe(): void {
    this.player.probe();
    for (const link of this.#followers.values()) link.probe();
  }

  /** Puts the seats where the next client of this player finds them. */
  keepSeats(): void {
    for (const [key, link] of [['player', this.player] as const, ...this.#followers]) {
      const { reconnectionToken } = link as RoomLink;
      if (reconnectionToken !== undefined) this.#options.seats?.put(key, reconnectionToken, this.servers.token);
    }
  }

  #link<Name extends RoomName>(name: Name, key: string, way: Way, options: Partial<RoomLinkOptions<Name>>): RoomLink<Name> {
    return new RoomLink<Name>({
      join: () => ('roomId' in way ? this.servers.joinById<State<Name>>(way.roomId, { clientId: this.#clientId }) : this.servers.joinOrCreate<State<Name>>(name, { ...way.options, clientId: this.#clientId })),
      reconnect: (token) => this.servers.reconnect<State<Name>>(token),
      reconnectionToken: this.#options.seats?.take(key, this.servers.token),
      outcome: (commandId, withinMs) => this.player.ask('command:outcome', { commandId }, withinMs).catch((error: unknown) => Promise.reject(readFailure(error))) as Promise<CommandOutcomeAnswer>,
      onSilence: () => this.probe(),
      ...options,
    });
  }

  #playerMoved(kind: string): void {
    if (kind === 'live') this.#enter();
    if (kind === 'replaced') for (const link of this.#followers.values()) link.displace();
  }

  #enter(): void {
    for (const link of this.#followers.values()) if (['idle', 'replaced', 'lost'].includes(link.status.get().kind)) link.start();
  }

  /**
   * A new player room of ours is a new session, and closes our seats of the old one as anybody's: they are taken again.
   * When the session is really someone else's, the player's room says so at about the same time, and they are not.
   */
  async #isOurs(): Promise<boolean> {
    await sleep(DISPLACED_WAIT_MS);
    await becomes(this.player.status, ({ kind }) => kind !== 'joining' && kind !== 'dropped', COMING_BACK_MS);
    return this.player.status.get().kind === 'live';
  }
}
