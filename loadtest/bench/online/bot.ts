import { randomUUID } from 'node:crypto';
import { Client } from '@colyseus/sdk';
import { signIn } from '../sockets/trader.ts';
import { LightSeat } from './light-seat.ts';
import type { Walker } from './walker.ts';
import { Watcher } from './watcher.ts';

export interface BotOptions {
  url: string;
  /** Whether there are accounts; without them the bot says who it is. */
  signsIn: boolean;
  /** Of the zone's patches, in ms. */
  patchIntervalMs: number;
}

/** What `catalog.yaml` says of it. */
const MEADOW = { width: 1200, height: 800 };

/** @param watches whether it sees the zone, and times how soon it sees itself move */
export async function joinBot({ url, signsIn, patchIntervalMs }: BotOptions, watches: boolean): Promise<Walker> {
  const { id, client } = signsIn ? await signIn(url) : { id: randomUUID(), client: new Client(url) };
  // A server with accounts knows who they are, and takes no notice of what they say.
  const options = { zone: 'meadow', playerId: id };
  const own = await LightSeat.take(client, url, 'player', options);
  if (watches) return await Watcher.join(client, own, options, patchIntervalMs);
  const zone = await LightSeat.take(client, url, 'zone', options);
  let isWalking = false;
  return {
    get patches() {
      return zone.patches;
    },
    get isThere() {
      return own.isOpen && zone.isOpen;
    },
    walk: (walks) => void (isWalking = walks),
    turn: () => isWalking && zone.send('move', { x: Math.random() * MEADOW.width, y: Math.random() * MEADOW.height }),
  };
}
