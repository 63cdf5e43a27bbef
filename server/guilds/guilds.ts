import {
  nameKeys, OutcomeUnknown, type Bus, type Foreseen, type GuildChange, type GuildFlush, type GuildNews, type GuildSnapshot, type GuildStore, type GuildWants, type MovementOutcome, type Subscription, type WholeGuild,
} from '../../persistence/index.ts';
import type { GuildInvitation, GuildLogEntry, GuildMember, GuildRank } from '../../schema/guild.ts';
import type { CommandId, GuildId, HolderId, PlayerId } from '../../schema/ids.ts';
import { BrokenInvariant, invariant } from '../../schema/invariant.ts';
import type { AcceptInvitation, CreateGuild, CreateGuildAnswer, GuildAnswer } from '../../schema/messages/guild.ts';
import { Refusal } from '../../schema/refusals.ts';
import type { Catalog } from '../catalog/index.ts';
import type { Inventory } from '../inventory/index.ts';
import type { Idempotency, Ledger } from '../ledger/index.ts';
import type { Players } from '../players/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { ActionBatcher } from './action-batcher.ts';
import { playersOf, wantsOf, type GuildAction, type GuildDeed } from './actions.ts';
import { decideActions, type ActionOutcome, type DecidedActions } from './decide.ts';
import { GuildDirectory, type GuildEntry } from './directory.ts';
import { Foresight } from './foresight.ts';

const BATCH = { sizeMax: 100, weightMax: 2_000, waitingMax: 2_000, perPlayerMax: 64, triesMax: 8 };

export interface GuildsDeps {
  store: GuildStore;
  ledger: Pick<Ledger, 'submit'>;
  inventory: Pick<Inventory, 'refresh'>;
  idempotency: Idempotency;
  players: Pick<Players, 'tell'>;
  catalog: Pick<Catalog, 'guilds' | 'fungible'>;
  bus: Bus;
  metrics: Metrics;
  cacheMax: number;
  cacheTtlMs: number;
}

/** Who acts, in which session. */
export interface Actor {
  id: PlayerId;
  epoch: number;
}

/** Guilds: founded, joined and left, with ranks and a bank. Every action of one goes through its batcher. */
export class Guilds {
  readonly #deps: GuildsDeps;
  readonly #batcher: ActionBatcher;
  readonly #directory: GuildDirectory;
  readonly #foresight: Foresight;

  constructor(deps: GuildsDeps) {
    this.#deps = deps;
    const { store, bus, metrics } = deps;
    this.#directory = new GuildDirectory({
      find: (ids) => store.find(ids),
      names: (players) => store.names(players),
      bus,
      max: deps.cacheMax,
      ttlMs: deps.cacheTtlMs,
      onRead: (result) => metrics.guildReads.inc({ result }),
    });
    this.#foresight = new Foresight({ max: deps.cacheMax });
    this.#batcher = new ActionBatcher({
      ...BATCH,
      flush: (guildId, actions, extra) => this.#flush(guildId, actions, extra),
      mayRunAlone: (error) => !(error instanceof Refusal || error instanceof OutcomeUnknown || error instanceof BrokenInvariant),
      onFlush: (size) => metrics.guildFlushSize.observe(size),
    });
  }

  /**
   * Founds a guild, whose leader the founder is.
   * @throws {Refusal} SESSION_REPLACED, COMMAND_REUSED, UNKNOWN_PLAYER, GUILD_NAME_TAKEN, ALREADY_IN_GUILD
   * @see docs/SPEC.md GU1
   */
  async create({ id, epoch }: Actor, { commandId, name, tag }: CreateGuild): Promise<CreateGuildAnswer> {
    const { idempotency, store, players } = this.#deps;
    const payload = { name, tag };
    return await idempotency.once({ actor: id, id: commandId, type: 'guild:create', payload }, async (hash) => {
      const answer = (guildId: GuildId): CreateGuildAnswer => ({ guildId });
      const guildId = await store.create({ founder: id, epoch, name, tag, command: (made) => ({ actor: id, id: commandId, hash, answer: () => answer(made) }) });
      players.tell(id, { type: 'guild', guildId });
      return answer(guildId);
    });
  }

  /** @throws {Refusal} GUILD_NOT_FOUND, GUILD_FORBIDDEN, GUILD_FULL, ALREADY_IN_GUILD, … [GU2] */
  accept(actor: Actor, { commandId, guildId }: AcceptInvitation): Promise<GuildAnswer> {
    return this.act(guildId, actor, commandId, { type: 'accept' });
  }

  decline(playerId: PlayerId, guildId: GuildId): Promise<void> {
    return this.#deps.store.decline(playerId, guildId);
  }

  invitations(playerId: PlayerId): Promise<GuildInvitation[]> {
    return this.#deps.store.invitations(playerId);
  }

  /**
   * One action of a guild, acknowledged once it is committed.
   * @throws {Refusal} by the rules, see `decideActions`; BUSY when too many wait
   * @see docs/SPEC.md GU2..GU8, GA1..GA5
   */
  async act(guildId: GuildId, { id: actor, epoch }: Actor, commandId: CommandId, deed: GuildDeed): Promise<GuildAnswer> {
    if ('fungibles' in deed) for (const asset of Object.keys(deed.fungibles)) this.#deps.catalog.fungible(asset);
    return await this.#deps.idempotency.once({ actor, id: commandId, type: `guild:${deed.type}`, payload: { guildId, ...deed } }, async (hash) => {
      const outcome = await this.#batcher.add(guildId, { actor, epoch, commandId, hash, ...deed });
      this.#deps.metrics.guildActions.inc({ action: deed.type, outcome: outcome.status === 'refused' ? outcome.code : outcome.status });
      if (outcome.status === 'refused') throw new Refusal(outcome.code, outcome.details);
      return outcome.answer as GuildAnswer;
    });
  }

  /** Who is in it and what it is called, perhaps a moment ago; undefined if there is no such guild. [GC1] */
  look(guildId: GuildId): Promise<GuildEntry | undefined> {
    return this.#directory.get(guildId);
  }

  async rankOf(guildId: GuildId, playerId: PlayerId): Promise<GuildRank | undefined> {
    return (await this.look(guildId))?.members.get(playerId)?.rank;
  }

  /** All that members see, by PostgreSQL now; with what members are called. */
  async whole(guildId: GuildId): Promise<{ guild: WholeGuild; members: GuildMember[] } | undefined> {
    const guild = await this.#deps.store.whole(guildId);
    if (guild === undefined) return undefined;
    const names = await this.#deps.store.names(guild.members.map(({ playerId }) => playerId));
    return { guild, members: guild.members.map(({ playerId, rank }) => ({ playerId, rank, name: names.get(playerId) ?? '' })) };
  }

  /**
   * At most `limit` lines of the log before that one, the newest first, for who may read it.
   * @throws {Refusal} GUILD_NOT_FOUND, GUILD_FORBIDDEN
   */
  async log(guildId: GuildId, reader: PlayerId, before: number, limit: number): Promise<GuildLogEntry[]> {
    const guild = (await this.#deps.store.find([guildId])).get(guildId);
    if (guild === undefined) throw new Refusal('GUILD_NOT_FOUND');
    const rank = guild.members.find(({ playerId }) => playerId === reader)?.rank;
    if (rank === undefined || (rank !== 'leader' && !this.#deps.catalog.guilds[rank].log)) throw new Refusal('GUILD_FORBIDDEN');
    return await this.#deps.store.log(guildId, before, limit);
  }

  listen(guildId: GuildId, listener: (news: GuildNews) => void): Subscription {
    return this.#deps.bus.subscribe('guild', guildId, listener);
  }

  /** Told to everybody who listens to the guild: once to each process, however many members are there. [GN1] */
  tell(guildId: GuildId, news: GuildNews): void {
    this.#deps.bus.publish('guild', guildId, news);
  }

  /** Messages were missed. */
  heal(): void {
    this.#directory.clear();
  }

  async #flush(guildId: GuildId, actions: readonly GuildAction[], extra: readonly PlayerId[]): Promise<ActionOutcome[]> {
    const { ledger, catalog } = this.#deps;
    const players = playersOf(actions);
    // Names are given up where a guild may end: they are told beforehand, because their slots are taken first.
    const disbands = actions.some(({ type }) => type === 'disband');
    const entry = disbands || extra.length > 0 ? await this.look(guildId) : undefined;
    const members = [...(disbands ? (entry?.members.keys() ?? []) : []), ...extra];
    const holders: HolderId[] = [guildId, ...new Set([...players, ...members])];
    const held = new Set(holders);
    const foreseen = this.#foreseen(guildId, actions);
    let wants: GuildWants | undefined;
    let decided: { snapshot: GuildSnapshot; actions: DecidedActions } | undefined;
    const flush: GuildFlush = {
      guildId,
      holders,
      size: actions.length,
      get wants() {
        return (wants ??= wantsOf(guildId, actions));
      },
      names: entry === undefined ? [] : nameKeys(entry),
      ...(foreseen && { foreseen }),
      decide: (snapshot) => {
        decided = { snapshot, actions: decideActions(snapshot, actions, { rules: catalog.guilds, holders: held, mayEnd: entry !== undefined }) };
        return decided.actions.decision;
      },
    };
    const outcome = await ledger.submit({ reason: 'guild', postings: [], commands: [], guild: flush });
    if (outcome.status === 'refused') throw new Refusal(outcome.code, outcome.details);
    invariant(outcome.status === 'committed' && decided !== undefined, 'a flush is decided under its locks, and what was decided is done');
    this.#see(decided, foreseen);
    this.#publish(guildId, decided, outcome);
    if (decided.actions.outcomes.some(({ status }) => status === 'known')) this.#tellAgain(guildId, players);
    return decided.actions.outcomes;
  }

  #foreseen(guildId: GuildId, actions: readonly GuildAction[]): Foreseen | undefined {
    if (!this.#foresight.covers(guildId, actions)) return undefined;
    const entry = this.#directory.peek(guildId);
    if (entry !== undefined) return this.#foresight.of(entry, actions);
    // For the flushes after this one, which does not wait for it; what fails now fails where it is needed.
    this.look(guildId).catch(() => undefined);
    return undefined;
  }

  #see({ snapshot: { guild }, actions: { decision } }: { snapshot: GuildSnapshot; actions: DecidedActions }, foreseen: Foreseen | undefined): void {
    if (guild === undefined) return;
    this.#foresight.note(guild, decision.change);
    if (foreseen !== undefined && guild.version !== foreseen.snapshot.guild.version) this.#foresight.missed(guild.id);
  }

  #publish(guildId: GuildId, { snapshot, actions: { decision } }: { snapshot: GuildSnapshot; actions: DecidedActions }, { deltas, at }: Extract<MovementOutcome, { status: 'committed' }>): void {
    const { guild } = snapshot;
    const { change } = decision;
    if (guild === undefined || change === undefined) return;
    const { players } = this.#deps;
    const nameOf = (player: PlayerId) => snapshot.players.get(player)?.name ?? '';
    const bank = deltas.find(({ holderId }) => holderId === guildId);
    this.tell(guildId, {
      type: 'changed',
      version: guild.version + 1,
      motd: change.motd,
      disbanded: change.disbanded,
      members: { set: change.members.set.map((member) => ({ ...member, name: nameOf(member.playerId) })), removed: [...change.members.removed] },
      ...(bank && { bank }),
      log: logOf(change, guild.logged, at ?? guild.now),
    });
    for (const player of change.joined) players.tell(player, { type: 'guild', guildId });
    for (const player of change.left) players.tell(player, { type: 'guild', guildId: null });
    for (const { playerId, inviter } of change.invited) players.tell(playerId, { type: 'guild:invited', guildId, name: guild.name, from: inviter, fromName: nameOf(inviter) });
  }

  /** It committed before this answer was known: what it changed was perhaps never told. */
  #tellAgain(guildId: GuildId, players: readonly PlayerId[]): void {
    this.#deps.inventory.refresh(players);
    this.tell(guildId, { type: 'resync' });
  }
}

function logOf({ log }: GuildChange, logged: number, at: number): GuildLogEntry[] {
  return log.map((line, place) => ({ seq: logged + place + 1, at, ...line }));
}
