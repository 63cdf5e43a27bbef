import type { GuildChange, GuildRow, GuildSnapshot, Posting } from '../../persistence/index.ts';
import type { GuildEventDetails, GuildEventName, GuildRank } from '../../schema/guild.ts';
import type { HolderId, ItemId, PlayerId } from '../../schema/ids.ts';

/** A member as the draft has it. */
interface DraftMember {
  rank: GuildRank;
  joinedAt: number;
}

/** The guild as it becomes while one action after the other is decided, beginning from what is under the locks. */
export class GuildDraft {
  readonly guild: GuildRow;
  readonly postings: Posting[] = [];
  readonly #snapshot: GuildSnapshot;
  readonly #members: Map<PlayerId, DraftMember>;
  readonly #before: ReadonlyMap<PlayerId, GuildRank>;
  readonly #guilds = new Map<PlayerId, boolean>();
  readonly #spent = new Map<string, number>();
  readonly #got = new Map<string, number>();
  readonly #moved = new Set<ItemId>();
  readonly #taken = new Map<PlayerId, Record<string, number>>();
  readonly #invited = new Map<PlayerId, PlayerId>();
  readonly #accepted = new Set<PlayerId>();
  readonly #log: GuildChange['log'][number][] = [];
  memberCount: number;
  bankItems: number;
  motd: string;
  disbanded = false;

  constructor(guild: GuildRow, snapshot: GuildSnapshot) {
    this.guild = guild;
    this.#snapshot = snapshot;
    this.#members = new Map(guild.members.map(({ playerId, rank, joinedAt }) => [playerId, { rank, joinedAt }]));
    this.#before = new Map(guild.members.map(({ playerId, rank }) => [playerId, rank]));
    this.memberCount = guild.memberCount;
    this.bankItems = guild.bankItems;
    this.motd = guild.motd;
  }

  rankOf(player: PlayerId): GuildRank | undefined {
    return this.#members.get(player)?.rank;
  }

  /** Whether the player is in this guild or any other. */
  isTaken(player: PlayerId): boolean {
    return this.#guilds.get(player) ?? (this.#snapshot.players.get(player)?.guildId ?? null) !== null;
  }

  get members(): PlayerId[] {
    return [...this.#members.keys()];
  }

  join(player: PlayerId): void {
    this.#members.set(player, { rank: 'member', joinedAt: this.guild.now });
    this.#guilds.set(player, true);
    this.#accepted.add(player);
    this.memberCount++;
  }

  remove(player: PlayerId): void {
    this.#members.delete(player);
    this.#guilds.set(player, false);
    this.memberCount--;
  }

  promote(player: PlayerId, rank: GuildRank): void {
    const member = this.#members.get(player);
    if (member) member.rank = rank;
  }

  invite(player: PlayerId, inviter: PlayerId): void {
    this.#accepted.delete(player);
    this.#invited.set(player, inviter);
  }

  isInvited(player: PlayerId): boolean {
    if (this.#accepted.has(player)) return false;
    return this.#invited.has(player) || (this.#snapshot.players.get(player)?.isInvited ?? false);
  }

  /** Who leads when the leader goes: the highest rank, then who has been there longest. Knows only members that were read. */
  successorOf(leader: PlayerId): PlayerId | undefined {
    const order = [...this.#members].filter(([player]) => player !== leader).toSorted(([a, one], [b, other]) => Number(other.rank === 'officer') - Number(one.rank === 'officer') || one.joinedAt - other.joinedAt || (a < b ? -1 : 1));
    return order[0]?.[0];
  }

  get bankIsEmpty(): boolean {
    return this.guild.bankIsEmpty && this.postings.length === 0;
  }

  /** What may be spent for certain: what was there, less what is spent. What comes in the same flush is not counted on. */
  available(holder: HolderId, asset: string): number {
    return this.#snapshot.balance(holder, asset) - (this.#spent.get(`${holder} ${asset}`) ?? 0);
  }

  /** What will be there if everything so far happens. */
  expected(holder: HolderId, asset: string): number {
    return this.available(holder, asset) + (this.#got.get(`${holder} ${asset}`) ?? 0);
  }

  hasMoved(item: ItemId): boolean {
    return this.#moved.has(item);
  }

  item(item: ItemId): ReturnType<GuildSnapshot['item']> {
    return this.#snapshot.item(item);
  }

  move(giver: HolderId, receiver: HolderId, items: readonly ItemId[], fungibles: Readonly<Record<string, number>>): void {
    for (const [asset, quantity] of Object.entries(fungibles)) {
      this.postings.push({ asset, quantity, giver, receiver });
      add(this.#spent, `${giver} ${asset}`, quantity);
      add(this.#got, `${receiver} ${asset}`, quantity);
    }
    for (const item of items) {
      const held = this.#snapshot.item(item);
      if (held === undefined) continue;
      const { version, kind, attributes, bound } = held;
      this.postings.push({ item, version, content: { kind, attributes, bound }, giver, receiver });
      this.#moved.add(item);
    }
    this.bankItems += receiver === this.guild.id ? items.length : -items.length;
  }

  /** What the player took out today, by asset; items under the empty name. */
  takenBy(player: PlayerId): Readonly<Record<string, number>> {
    return this.#taken.get(player) ?? this.guild.taken.get(player) ?? {};
  }

  take(player: PlayerId, taken: Record<string, number>): void {
    this.#taken.set(player, taken);
  }

  log(event: GuildEventName, actor: PlayerId, details: GuildEventDetails = {}, subject: PlayerId | null = null): void {
    const nameOf = (player: PlayerId) => this.#snapshot.players.get(player)?.name ?? '';
    this.#log.push({ event, actor, actorName: nameOf(actor), subject, subjectName: subject === null ? null : nameOf(subject), details });
  }

  /** What differs from the beginning; undefined if members would see nothing of it. */
  get change(): GuildChange | undefined {
    if (this.#log.length === 0) return undefined;
    const set = [...this.#members].filter(([player, { rank }]) => this.#before.get(player) !== rank).map(([playerId, { rank }]) => ({ playerId, rank }));
    const removed = [...this.#before.keys()].filter((player) => !this.#members.has(player));
    const moved = [...this.#guilds].filter(([player, isIn]) => isIn !== this.#before.has(player));
    return {
      motd: this.motd,
      disbanded: this.disbanded,
      members: { set, removed },
      joined: moved.filter(([, isIn]) => isIn).map(([player]) => player),
      left: moved.filter(([, isIn]) => !isIn).map(([player]) => player),
      invited: [...this.#invited].filter(([player]) => !this.#accepted.has(player)).map(([playerId, inviter]) => ({ playerId, inviter })),
      accepted: [...this.#accepted],
      taken: [...this.#taken].map(([playerId, taken]) => ({ playerId, taken })),
      log: this.#log,
    };
  }
}

function add(sums: Map<string, number>, key: string, quantity: number): void {
  sums.set(key, (sums.get(key) ?? 0) + quantity);
}
