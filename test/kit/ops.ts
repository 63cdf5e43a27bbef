import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { OpsState, PlayerFile, SupportEntry, TradeFile } from '../../schema/messages/ops.ts';
import { commandId } from './player.ts';
import type { TestServer } from './server.ts';

export const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

export const adminPasswordOf = ({ dataDir }: Pick<TestServer, 'dataDir'>): string => (JSON.parse(readFileSync(path.join(dataDir, 'secrets.json'), 'utf8')) as { adminPassword: string }).adminPassword;

/** An operator at one server: what the operations page asks for. */
export function ops(server: Pick<TestServer, 'url' | 'dataDir'>, adminPassword = adminPasswordOf(server)) {
  async function ask<Body>(method: 'GET' | 'POST', route: string, body?: object): Promise<{ status: number; body: Body & { code?: string; details?: Record<string, unknown> } }> {
    const response = await fetch(`${server.url}/ops/api${route}`, { method, headers: { ...basic('admin', adminPassword), 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, body: (await response.json()) as Body & { code?: string } };
  }
  async function must<Body>(method: 'GET' | 'POST', route: string, body?: object): Promise<Body> {
    const answer = await ask<Body>(method, route, body);
    if (answer.status !== 200) throw new Error(`${method} ${route}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  return {
    ask,
    must,
    freeze: (playerId: string, frozen = true, id: string = commandId()) => must<{ entry: SupportEntry }>('POST', `/players/${playerId}/freeze`, { commandId: id, frozen, reason: 'looked at by a test' }),
    pause: (asset = '*', paused = true, id: string = commandId()) => must<{ entry: SupportEntry }>('POST', '/pauses', { commandId: id, asset, paused, reason: 'stopped by a test' }),
    reverse: (transactionId: string, reason = 'taken back by a test') => ask<{ entry: SupportEntry }>('POST', `/trades/${transactionId}/reverse`, { reason }),
    file: (playerId: string) => must<PlayerFile>('GET', `/players/${playerId}`),
    trade: (transactionId: string) => must<TradeFile>('GET', `/trades/${transactionId}`),
    state: () => must<OpsState>('GET', '/state'),
    entries: async (query = '') => (await must<{ entries: SupportEntry[] }>('GET', `/entries${query}`)).entries,
  };
}
