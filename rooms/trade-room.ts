import type { Client } from '@colyseus/core';
import type { PlayerId, TradeId } from '../schema/ids.ts';
import { Accept, Cancel, Offer } from '../schema/messages/trade.ts';
import { TradeSideState, TradeState } from '../schema/states/trade-state.ts';
import type { Players } from '../server/players/index.ts';
import type { Follower, Sessions } from '../server/sessions/index.ts';
import { Trade, type TradeDeps } from '../server/trading/index.ts';
import { authenticator, AuthenticatedRoom, refuseJoin, refuseStranger, type RoomKit, type Seat } from './kit/authenticated-room.ts';
import { showTrade } from './kit/trade-view.ts';

/** How long an ended trade's last state stays to be seen. */
const LINGER_MS = 5_000;
/** From the end of a settlement until its players have been answered. */
const ANSWERED_MS = 50;

export interface TradeRoomDeps {
  kit: RoomKit;
  players: Players;
  sessions: Sessions;
  trading: TradeDeps;
  tradeTtlMs: number;
}

/** What the server creates a trade room with; a client's options never hold it, because `onAuth` strikes them out. */
export interface TradeRoomOptions {
  tradeId: TradeId;
  /** Who invited comes first. */
  players: [PlayerId, PlayerId];
}

interface Sitting {
  client: Client;
  session: Follower;
}

/** The `trade` room: one window for two players, each from any process. */
export function bindTradeRoom(deps: TradeRoomDeps) {
  return class TradeRoom extends AuthenticatedRoom<TradeState> {
    static override onAuth = authenticator(deps.kit.authenticate, () => ({ byClient: true }));
    override state = new TradeState();
    override autoDispose = false;
    protected override readonly kit = deps.kit;
    #trade!: Trade;
    readonly #sitting = new Map<PlayerId, Sitting>();

    override async onCreate(options: Partial<TradeRoomOptions> & { byClient?: true }): Promise<void> {
      this.openFor();
      if (options.byClient || !options.tradeId || !options.players) refuseJoin('TRADE_NOT_FOUND');
      this.roomId = options.tradeId;
      await this.setPrivate(true);
      this.#trade = new Trade(options.tradeId, options.players, deps.trading);
      const profiles = await deps.players.read(options.players);
      for (const player of options.players) this.state.sides.set(player, new TradeSideState({ name: profiles.get(player)?.name ?? '' }));
      this.clock.setTimeout(() => this.#callOff('expired'), deps.tradeTtlMs);

      this.command('trade:offer', Offer, (actor, offer) => this.#shown(() => this.#trade.offer(actor, offer)));
      this.command('trade:accept', Accept, (actor, accept) => this.#shown(() => this.#trade.accept(actor, accept)));
      this.command('trade:cancel', Cancel, (actor) =>
        this.#shown(async () => {
          this.#trade.cancel(actor);
          return {};
        }),
      );
    }

    override async onJoin(client: Client): Promise<void> {
      const seat = client.auth as Seat;
      const { playerId } = seat;
      if (!this.#trade.window.players.includes(playerId)) refuseJoin('TRADE_NOT_FOUND');
      const session = await deps.sessions.follow(seat, () => this.closeReplaced(client)).catch(refuseStranger);
      const before = this.#sitting.get(playerId);
      this.#sitting.set(playerId, { client, session });
      this.#trade.seat(playerId, session);
      if (before) {
        // The same player again: the newer connection has the seat.
        before.session.stop();
        this.closeReplaced(before.client);
      }
    }

    /** Also called when a dropped player's reconnection window has passed. Leaving an open trade cancels it. [TR10] */
    override onLeave(client: Client): void {
      const { playerId } = client.auth as Seat;
      const sitting = this.#sitting.get(playerId);
      if (sitting?.client.sessionId !== client.sessionId) return;
      sitting.session.stop();
      this.#sitting.delete(playerId);
      this.#callOff('left');
      if (this.#trade.window.isOver && this.#sitting.size === 0) this.#close();
    }

    /** An open trade is cancelled; one that settles is told to its players before the room closes. */
    override onBeforeShutdown(): void {
      this.#callOff('shutdown');
      void this.#trade.settled().then(() => setTimeout(() => super.onBeforeShutdown(), ANSWERED_MS));
    }

    override onDispose(): void {
      for (const { session } of this.#sitting.values()) session.stop();
      // A room that refused to be created has no trade.
      (this.#trade as Trade | undefined)?.dispose();
    }

    /** Shows the window as soon as its rules have decided, and again when a settlement has. */
    async #shown<Answer>(work: () => Promise<Answer>): Promise<Answer> {
      const working = work();
      showTrade(this.state, this.#trade.window);
      try {
        return await working;
      } finally {
        showTrade(this.state, this.#trade.window);
        if (this.#trade.window.isOver) this.clock.setTimeout(() => this.#close(), LINGER_MS);
      }
    }

    /** What settles now, and is called off when it opens again, closes with the answer to who accepted it. */
    #callOff(reason: string): void {
      if (this.#trade.window.isOver) return;
      this.#trade.callOff(reason);
      showTrade(this.state, this.#trade.window);
      if (this.#trade.window.isOver) this.clock.setTimeout(() => this.#close(), LINGER_MS);
    }

    #close(): void {
      void this.disconnect().catch((error: unknown) => deps.kit.report({ ref: this.roomId, type: 'trade.close', error }));
    }
  };
}
