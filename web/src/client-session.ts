import type { Room } from '@colyseus/sdk';
import type { CommandId, PlayerId } from '../../schema/ids.ts';
import type { PlayerState } from '../../schema/states/player-state.ts';
import type { ZoneState } from '../../schema/states/zone-state.ts';
import { client, verifyAccount } from './account.ts';
import { cell, type Cell } from './cell.ts';
import { newCommandId } from './command-id.ts';
import { runCommand, type CommandOutcome } from './command-run.ts';
import { joinFromSeat, keepSeat } from './kept-seat.ts';
import { readPlayer, type PlayerView } from './player-view.ts';
import { RoomLink, type LinkStatus } from './room-link.ts';

const ZONE = 'meadow';
const DISPLACED_WAIT_MS = 1000;

/** Someone asks for a trade. */
export interface TradeInvitation {
  tradeId: string;
  from: PlayerId;
  fromName: string;
}

/** How the connection is, in the one word that the banner needs: the worst of the two rooms. */
export type SessionStatus = Exclude<LinkStatus['kind'], 'idle' | 'closed' | 'gone'>;

/** A signed-in player: the private room, the zone, and the commands that go through them. */
export class ClientSession {
  /** The private state, copied at each change; `undefined` until it arrives. */
  readonly player: Cell<PlayerView | undefined> = cell<PlayerView | undefined>(undefined);
  readonly status: Cell<SessionStatus> = cell<SessionStatus>('joining');
  readonly #listeners = { invited: new Set<(invitation: TradeInvitation) => void>(), zone: new Set<(state: ZoneState) => void>() };
  readonly #playerLink: RoomLink<PlayerState>;
  readonly #zoneLink: RoomLink<ZoneState>;

  constructor() {
    this.#playerLink = new RoomLink({
      join: () => joinFromSeat('player', () => client.joinOrCreate<PlayerState>('player') as Promise<Room<unknown, PlayerState>>),
      wire: (room) => this.#wirePlayer(room),
      unauthenticated: () => void verifyAccount(),
    });
    this.#zoneLink = new RoomLink({
      join: () => joinFromSeat('zone', () => client.joinOrCreate<ZoneState>('zone', { zone: ZONE }) as Promise<Room<unknown, ZoneState>>),
      wire: (room) => room.onStateChange((state) => this.#listeners.zone.forEach((listener) => listener(state))),
    });
    keepSeat('player', () => this.#playerLink.room);
    keepSeat('zone', () => this.#zoneLink.room);
    this.#playerLink.status.watch((status) => this.#playerMoved(status));
    this.#zoneLink.status.watch((status) => this.#zoneMoved(status));
  }

  start(): void {
    this.#playerLink.start();
  }

  /** From `replaced` or `lost`: takes the session back, or tries again. */
  comeBack(): void {
    if (this.#playerLink.status.get().kind === 'live') this.#zoneLink.start();
    else this.#playerLink.start();
  }

  close(): void {
    this.#playerLink.close();
    this.#zoneLink.close();
  }

  /** Hears of each zone state; the object is the decoder's own and changes in place. */
  onZone(listener: (state: ZoneState) => void): void {
    this.#listeners.zone.add(listener);
  }

  onInvited(listener: (invitation: TradeInvitation) => void): () => void {
    this.#listeners.invited.add(listener);
    return () => this.#listeners.invited.delete(listener);
  }

  move(x: number, y: number): void {
    this.#zoneLink.send('move', { x, y });
  }

  gather(nodeId: string): Promise<{ asset: string; quantity: number }> {
    return this.#command(this.#zoneLink, 'gather', { nodeId });
  }

  rename(name: string): Promise<unknown> {
    return this.#command(this.#playerLink, 'player:rename', { name });
  }

  async invite(playerId: string): Promise<string> {
    const { tradeId } = await this.#playerLink.request<{ tradeId: string }>('trade:invite', { playerId });
    return tradeId;
  }

  /** What became of a command of this player; it can be asked after the room that took it is gone. */
  outcome<Answer>(commandId: CommandId): Promise<CommandOutcome<Answer>> {
    return this.#playerLink.request('command:outcome', { commandId });
  }

  #command<Answer, State>(link: RoomLink<State>, type: string, payload: object): Promise<Answer> {
    const commandId = newCommandId();
    return runCommand<Answer>({
      send: () => link.request(type, { commandId, ...payload }),
      outcome: () => this.outcome(commandId),
    });
  }

  #wirePlayer(room: Room<unknown, PlayerState>): void {
    room.onStateChange((state) => this.player.set(readPlayer(state) ?? this.player.get()));
    room.onMessage('trade:invited', (invitation: TradeInvitation) => {
      for (const listener of this.#listeners.invited) listener(invitation);
    });
    // Pushed by the server for later parts of the client; named so that the SDK does not warn of them.
    for (const type of ['guild:invited', 'guild:event', 'notice']) room.onMessage(type, () => {});
  }

  #playerMoved(status: LinkStatus): void {
    // The zone follows the session: it is entered once the player is known, and left when someone else took over.
    if (status.kind === 'live' && this.#zoneLink.status.get().kind !== 'live') this.#zoneLink.start();
    if (status.kind === 'replaced') this.#zoneLink.close();
    this.#rate();
  }

  #zoneMoved(status: LinkStatus): void {
    if (status.kind === 'replaced') this.returnTo(this.#zoneLink);
    this.#rate();
  }

  /**
   * A new player room of ours is a new session, and closes our seats of the old one as anybody's: they are taken again.
   * When the session is really someone else's, the player room says so at about the same time, and they are not.
   */
  returnTo(link: Pick<RoomLink<unknown>, 'start' | 'status'>): void {
    setTimeout(() => {
      const ours = this.#playerLink.status.get().kind === 'live';
      if (ours && link.status.get().kind === 'replaced') link.start();
    }, DISPLACED_WAIT_MS);
  }

  #rate(): void {
    const zone = this.#zoneLink.status.get().kind;
    const kinds = [this.#playerLink.status.get().kind, zone === 'replaced' ? 'joining' : zone];
    const worst = (['replaced', 'lost', 'dropped', 'joining'] as const).find((kind) => kinds.includes(kind));
    this.status.set(worst ?? 'live');
  }
}
