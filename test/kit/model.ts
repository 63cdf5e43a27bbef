import type { Movement } from '../../persistence/index.ts';
import type { Holdings } from '../../schema/holdings.ts';
import type { CommandId, HolderId, ItemId, PlayerId } from '../../schema/ids.ts';
import { QUANTITY_MAX } from '../../schema/quantities.ts';
import { firstRefusal, type RefusalCode } from '../../schema/refusals.ts';

/** What the database should be, said as plainly as possible: no locks, no shards, no SQL. */
export class Model {
  balances = new Map<string, number>();
  readonly items = new Map<ItemId, { holder: HolderId | null; version: number; bound: boolean }>();
  readonly versions = new Map<HolderId, number>();
  readonly epochs = new Map<PlayerId, number>();
  readonly commands = new Map<CommandId, string>();

  settle({ postings, commands: [asked], fences = [] }: Movement): string {
    const known = asked && this.commands.get(asked.id);
    if (known !== undefined) return `known as ${known}`;
    if (fences.some(({ player, epoch }) => this.epochs.get(player) !== epoch)) return 'SESSION_REPLACED';
    const refusals: RefusalCode[] = [];
    const given = postings.filter((posting) => 'version' in posting).map((posting) => ({ posting, item: this.items.get(posting.item) }));
    for (const { posting, item } of given) {
      if (item?.holder !== posting.giver) refusals.push('NOT_OWNER');
      else if (item.bound && posting.receiver !== null) refusals.push('ITEM_BOUND');
    }
    const balances = new Map(this.balances);
    const add = (holder: HolderId | null, asset: string, more: number) => holder && balances.set(`${holder} ${asset}`, (balances.get(`${holder} ${asset}`) ?? 0) + more);
    for (const posting of postings) if ('asset' in posting) add(posting.giver, posting.asset, -posting.quantity);
    if ([...balances.values()].some((count) => count < 0)) refusals.push('INSUFFICIENT');
    for (const posting of postings) if ('asset' in posting) add(posting.receiver, posting.asset, posting.quantity);
    // What may be read again is last but for an overflow, which the table's own constraint finds.
    const stale = given.some(({ posting, item }) => item?.version !== posting.version);
    const overflows = [...balances.values()].some((count) => count > QUANTITY_MAX);
    const refusal = firstRefusal(refusals) ?? (stale ? 'stale' : overflows ? 'BAD_REQUEST' : undefined);
    if (refusal !== undefined) return refusal;

    this.balances = balances;
    for (const { posting, item } of given) Object.assign(item!, { holder: posting.receiver, version: posting.version + 1 });
    for (const posting of postings) if ('kind' in posting) this.items.set(posting.item, { holder: posting.receiver, version: 1, bound: posting.bound });
    const touched = new Set(postings.flatMap((posting) => ['giver' in posting ? posting.giver : null, posting.receiver]).filter((holder) => holder !== null));
    for (const holder of touched) this.versions.set(holder, (this.versions.get(holder) ?? 0) + 1);
    if (asked) this.commands.set(asked.id, asked.hash.toString());
    return 'committed';
  }

  holdings(player: PlayerId): Holdings {
    const counts = [...this.balances].filter(([key, count]) => key.startsWith(player) && count > 0).map(([key, count]) => [key.split(' ')[1], count]);
    const items = [...this.items].filter(([, { holder }]) => holder === player).map(([id, { version, bound }]) => ({ id, kind: 'sword', version, bound, attributes: {} }));
    return { version: this.versions.get(player) ?? 0, fungibles: Object.fromEntries(counts), items };
  }
}
