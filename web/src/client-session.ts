import type { CommandId, PlayerId } from '../../schema/ids.ts';
import type { AcceptAnswer } from '../../schema/messages/trade.ts';
import type { CommandOutcomeAnswer, RenameAnswer, TradeInvited } from '../../schema/messages/player.ts';
import type { GatherAnswer } from '../../schema/messages/zone.ts';
import type { ZoneState } from '../../schema/states/zone-state.ts';
import { cell, KeptSeats, StrongroomClient, type Cell, type LinkStatus, type RoomLink } from '../client/index.ts';
import { servers, storageKey, verifyAccount } from './account.ts';
import { readPlayer, type PlayerView } from './player-view.ts';

const ZONE = 'meadow';

export type TradeInvitation = TradeInvited;

/** How the connection is, in the one word that the banner needs: the worst of the two rooms. */
export type SessionStatus = Exclude<LinkStatus['kind'], 'idle' | 'closed' | 'gone'>;

/** A signed-in player as the page sees it: the private room, the zone, and the commands that go through them. */
export class ClientSession {
  /** The private state, copied at each change; `undefined` until it arrives. */
  readonly player: Cell<PlayerView | undefined> = cell<PlayerView | undefined>(undefined);
  readonly status: Cell<SessionStatus> = cell<SessionStatus>('joining');
  readonly #client = new StrongroomClient({
    servers,
    seats: new KeptSeats(sessionStorage, (name) => storageKey(`seat:${name}`)),
    unauthenticated: () => void verifyAccount(),
  });
  readonly #zone = this.#client.zone(ZONE);
  // A reload leaves the seats as a dropped connection does: the server keeps them for its reconnection window.
  readonly #leaving = () => this.#client.keepSeats();

  constructor() {
    this.#client.player.onState((state) => this.player.set(readPlayer(state) ?? this.player.get()));
    for (const { status } of [this.#client.player, this.#zone]) status.watch(() => this.#rate());
    addEventListener('pagehide', this.#leaving);
  }

  start(): void {
    this.#client.start();
  }

  /** From `replaced` or `lost`: takes the session back, or tries again. */
  comeBack(): void {
    this.#client.comeBack();
  }

  close(): void {
    removeEventListener('pagehide', this.#leaving);
    this.#client.close();
  }

  /** Hears of each zone state; the object is the decoder's own and changes in place. */
  onZone(listener: (state: ZoneState) => void): void {
    this.#zone.onState(listener);
  }

  onInvited(listener: (invitation: TradeInvitation) => void): () => void {
    return this.#client.player.on('trade:invited', listener);
  }

  move(x: number, y: number): void {
    this.#zone.send('move', { x, y });
  }

  gather(nodeId: string): Promise<GatherAnswer> {
    return this.#zone.request('gather', { nodeId });
  }

  rename(name: string): Promise<RenameAnswer> {
    return this.#client.player.request('player:rename', { name });
  }

  async invite(playerId: string): Promise<string> {
    return (await this.#client.player.request('trade:invite', { playerId: playerId as PlayerId })).tradeId;
  }

  /** The private room, for what is asked there by a part of the page of its own. */
  get playerRoom(): RoomLink<'player'> {
    return this.#client.player;
  }

  /** Joins the player's own guild's room, and stays for as long as the link is not closed. */
  guild(guildId: string): RoomLink<'guild'> {
    return this.#client.guild(guildId);
  }

  /** Joins a board's room, of one region or all, and stays for as long as the link is not closed. */
  leaderboard(board: string, region: string): RoomLink<'leaderboard'> {
    return this.#client.leaderboard(board, region);
  }

  /** Joins a trade's room, and stays for as long as the link is not closed. */
  trade(tradeId: string): RoomLink<'trade'> {
    return this.#client.trade(tradeId);
  }

  /** What became of an acceptance; it can be asked after the room that took it is gone. */
  outcome(commandId: CommandId): Promise<CommandOutcomeAnswer<AcceptAnswer>> {
    return this.#client.outcome(commandId) as Promise<CommandOutcomeAnswer<AcceptAnswer>>;
  }

  #rate(): void {
    const kinds = [this.#client.player, this.#zone].map(({ status }) => status.get().kind);
    const worst = (['replaced', 'lost', 'dropped', 'joining'] as const).find((kind) => kinds.includes(kind));
    this.status.set(worst ?? 'live');
  }
}
