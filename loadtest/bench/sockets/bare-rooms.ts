import { defineRoom, defineServer, matchMaker, Room, type Client } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { TradeState } from '../../../schema/states/trade-state.ts';

/**
 * A process of its own: Colyseus with `player`, `trade` and `guild` rooms that take the same messages and answer at once. No
 * accounts, no rules, no storage: what a trade or a deposit over sockets costs before anybody looks at it.
 */
class BarePlayer extends Room {
  override maxClients = 1;

  override onCreate(): void {
    this.onMessage('trade:invite', async () => ({ tradeId: (await matchMaker.createRoom('trade', {})).roomId }));
  }
}

class BareTrade extends Room<{ state: TradeState }> {
  override state = new TradeState();
  override maxClients = 2;
  readonly #accepted = new Set<string>();

  override onCreate(): void {
    this.onMessage('trade:offer', () => ({ revision: ++this.state.revision }));
    this.onMessage('trade:accept', (client: Client) => {
      this.#accepted.add(client.sessionId);
      if (this.#accepted.size < 2) return { status: 'waiting' };
      this.state.phase = 'settled';
      return { status: 'settled' };
    });
  }
}

class BareGuild extends Room {
  override onCreate(): void {
    this.onMessage('guild:deposit', () => ({ version: 1 }));
  }
}

const server = defineServer({
  transport: new WebSocketTransport(),
  greet: false,
  rooms: { player: defineRoom(BarePlayer), trade: defineRoom(BareTrade), guild: defineRoom(BareGuild) },
});
// It ends with who started it.
process.once('disconnect', () => process.exit(0));
await server.listen(Number(process.argv[2]), '127.0.0.1');
