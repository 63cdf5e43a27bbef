import type { Room } from '@colyseus/sdk';
import { Servers } from '../../../web/client/index.ts';

interface Socket {
  addEventListener(type: 'message', listener: (event: { data: ArrayBuffer }) => void): void;
  close(): void;
}

/** Counts what comes off the sockets of a player, and can break one. */
export class CountingServers extends Servers {
  bytes = 0;
  readonly #sockets = new Map<string, Socket>();

  override async joinOrCreate<State>(name: string, options: object = {}): Promise<Room<unknown, State>> {
    return this.#counted(await super.joinOrCreate<State>(name, options));
  }

  override async joinById<State>(roomId: string, options: object = {}): Promise<Room<unknown, State>> {
    return this.#counted(await super.joinById<State>(roomId, options));
  }

  override async reconnect<State>(token: string): Promise<Room<unknown, State>> {
    return this.#counted(await super.reconnect<State>(token));
  }

  /** The network fails for one room: its socket closes without a goodbye. */
  drop(room: string): void {
    this.#sockets.get(room)?.close();
  }

  #counted<State>(room: Room<unknown, State>): Room<unknown, State> {
    const watch = () => {
      const { ws } = room.connection.transport as unknown as { ws: Socket };
      this.#sockets.set(room.name, ws);
      ws.addEventListener('message', ({ data }) => (this.bytes += data.byteLength));
    };
    watch();
    // A seat that the SDK gets back by itself is on another socket.
    room.onReconnect(watch);
    return room;
  }
}
