import type { GuildEvent } from '../../../schema/messages/guild.ts';
import { timeEach } from '../kit/measure.ts';
import { obeyOrders } from '../kit/worker-process.ts';
import { quiet, signIn, type Trader } from '../sockets/trader.ts';
import type { CrowdOrder, CrowdReply } from './crowd.ts';

/** A process of its own, so that the clients' work is not counted as the servers'. */
const IN_FLIGHT = 8;
const members: Pick<Trader, 'id' | 'client'>[] = [];
const heardAt: number[][] = [];

obeyOrders(obey);

async function obey(order: CrowdOrder): Promise<CrowdReply> {
  if ('tell' in order) return { heardAt };
  if ('join' in order) return { hosts: await join() };
  await timeEach(Array.from({ length: order.signIn }, (_, at) => order.urls[at % order.urls.length] ?? ''), IN_FLIGHT, async (url) => void members.push(await signIn(url)));
  return { players: members.map(({ id }) => id) };
}

async function join(): Promise<Record<string, number>> {
  const hosts: Record<string, number> = {};
  await timeEach(members, IN_FLIGHT, async ({ client }) => {
    const heard: number[] = [];
    heardAt.push(heard);
    const room = quiet(await client.joinOrCreate('player'));
    room.onMessage('guild:event', ({ event }: GuildEvent) => void (event === 'motd' && heard.push(Date.now())));
    const { ws } = room.connection.transport as unknown as { ws: WebSocket };
    const { host } = new URL(ws.url);
    hosts[host] = (hosts[host] ?? 0) + 1;
  });
  return hosts;
}
