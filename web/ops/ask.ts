import type { CommandId, ItemId, PlayerId, TransactionId } from '../../schema/ids.ts';
import type { EntriesAnswer, FoundPlayer, ItemFile, OpsSeries, OpsState, PlayerFile, ReverseAnswer, SupportEntry, TradeFile } from '../../schema/messages/ops.ts';
import type { RefusalReply } from '../../schema/refusals.ts';

const ANSWER_MAX_MS = 10_000;

/** The server said no. */
export class OpsRefused extends Error {
  readonly reply: RefusalReply;

  constructor(reply: RefusalReply) {
    super(reply.code);
    this.reply = reply;
  }
}

/** Nobody answered: what was asked for may have happened. */
export class NoAnswer extends Error {}

export const opsApi = {
  state: () => get<OpsState>('/state'),
  series: () => get<OpsSeries>('/series?minutes=60'),
  find: async (text: string) => (await get<{ players: FoundPlayer[] }>(`/players?q=${encodeURIComponent(text)}`)).players,
  player: (id: PlayerId) => get<PlayerFile>(`/players/${id}`),
  item: (id: ItemId) => get<ItemFile>(`/items/${id}`),
  trade: (id: TransactionId) => get<TradeFile>(`/trades/${id}`),
  entries: (before: number | undefined, limit: number) => get<EntriesAnswer>(`/entries?limit=${limit}${before === undefined ? '' : `&before=${before}`}`),
  freeze: (id: PlayerId, order: { commandId: CommandId; frozen: boolean; reason: string }) => post<{ entry: SupportEntry }>(`/players/${id}/freeze`, order),
  setPause: (order: { commandId: CommandId; asset: string; paused: boolean; reason: string }) => post<{ entry: SupportEntry }>('/pauses', order),
  reverse: (id: TransactionId, reason: string) => post<ReverseAnswer>(`/trades/${id}/reverse`, { reason }),
};

const get = <Answer>(path: string) => ask<Answer>(path, {});
const post = <Answer>(path: string, body: object) =>
  ask<Answer>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** @throws {OpsRefused | NoAnswer} */
async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const { ok, body } = await fetch(`/ops/api${path}`, { ...init, signal: AbortSignal.timeout(ANSWER_MAX_MS) })
    .then(async (response) => ({ ok: response.ok, body: (await response.json()) as unknown }))
    // What is no JSON came from a proxy, and says nothing of what the server did.
    .catch((error: unknown) => {
      throw new NoAnswer(String(error));
    });
  if (ok) return body as Answer;
  if (!isRefusal(body)) throw new NoAnswer('what answered is not the server');
  throw new OpsRefused(body);
}

function isRefusal(body: unknown): body is RefusalReply {
  return typeof body === 'object' && body !== null && 'code' in body && 'details' in body;
}
