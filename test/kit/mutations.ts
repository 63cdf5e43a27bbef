/** A textual replacement in our sources; `find` must be there exactly once. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** One guard, and how it is taken out: in every layer that holds it, so that nothing else says no in its place. */
export interface Mutation {
  guard: string;
  edits: readonly Edit[];
}

const WINDOW = 'server/trading/trade-window.ts';
const TRADE = 'server/trading/trade.ts';
const SETTLE = 'persistence/settle-statements.ts';
const SURE = 'persistence/settle-sure.ts';
const WRITER = 'persistence/writer-check.ts';
const TRANSACT = 'persistence/transact.ts';
const RESOLVER = 'persistence/resolver.ts';
const LINK = 'web/client/room-link.ts';
const MIGRATION = 'persistence/migrations/migration-20261122000000-first.ts';

const DECIDE = 'server/guilds/decide.ts';
const GUILDS = 'server/guilds/guilds.ts';
const SCORES = 'persistence/scores/score-statements.ts';
const SEASONS = 'persistence/scores/season-store.ts';

/** What the write refuses of an item. */
const ITEM_CHECK = 'i.holder is null or i.holder <> i.giver or i.held_version <> i.version or (i.bound and i.receiver is not null)';

/** The same of what is sure of it, and its parts. */
const SURE_OF_ITEM = 'r.id = #items[#item[p.r]] and r.holder = #keys[#giver[p.r]] and r.version = #version[p.r]';
const UNBOUND = [
  { file: SURE, find: 'and not r.bound returning 1)', replace: 'returning 1)' },
  { file: SURE, find: 'and (not r.bound or #receiver[p.r] = 0) returning 1)', replace: 'returning 1)' },
];
const SURE_OF_COMMANDS = 'as c(r))';

/** Every guard that the suite proves by leaving it out. */
export const MUTATIONS = {
  'commits-apart': {
    guard: 'two-phase commit: the shards of a transaction commit together [TP1]',
    edits: [
      { file: TRANSACT, find: "`prepare transaction '${gid}'`", replace: "(void gid, 'commit')" },
      { file: TRANSACT, find: "await part.control(`commit prepared '${gid}'`).then(", replace: 'await Promise.resolve().then(' },
    ],
  },
  'no-decision': {
    guard: 'the decision row, which tells the resolver that the transaction committed [TP1]',
    edits: [{ file: TRANSACT, find: "`insert into decision (transaction_id, outcome) values ('${id}', 'commit'); commit`", replace: "'commit'" }],
  },
  'resolver-commits': {
    guard: 'the resolver aborts what was never decided [TP4]',
    edits: [{ file: RESOLVER, find: "await ask(shard, outcome === 'commit' ?", replace: 'await ask(shard, outcome ?' }],
  },
  'resolver-forgets': {
    guard: 'the resolver writes the abort down before it rolls back, so that a late coordinator fails on it [TP5]',
    edits: [
      { file: RESOLVER, find: "await ask(home, `insert into decision (transaction_id, outcome) values ($1, 'abort') on conflict do nothing`, [transactionId]);", replace: '' },
      { file: RESOLVER, find: 'const outcome = rows[0]?.outcome;', replace: "const outcome = rows[0]?.outcome ?? 'abort';" },
    ],
  },
  'map-believed': {
    guard: 'a writer compares the map with the shard, under its locks [SH3]',
    edits: [
      { file: 'persistence/transaction.ts', find: 'if (row?.version !== view.versionOn(index)) throw new MapChanged(view);', replace: '' },
      { file: WRITER, find: 'when ${VERSION} is distinct from ${mapVersion} then', replace: 'when ${VERSION} is distinct from ${mapVersion} and false then' },
    ],
  },
  'map-believed-along': {
    guard: 'a writer whose commit goes along fails where the map changed [SH3]',
    edits: [{ file: WRITER, find: 'when ${VERSION} is distinct from $1::bigint then', replace: 'when ${VERSION} is distinct from $1::bigint and false then' }],
  },
  'ids-taken-for-new': {
    guard: 'an id that was claimed before is not taken for a new one [LB3]',
    edits: [{ file: 'persistence/scores/score-store.ts', find: 'isFresh = fresh.has(one.score.id) &&', replace: 'isFresh = true ||' }],
  },
  'missing-believed': {
    guard: 'what is missing is missing only where the map is the one that was read by [SH3]',
    edits: [{ file: 'persistence/slot-map.ts', find: 'return answers.every(([row], at) => row?.[1] === view.versionOn(shards[at] as number));', replace: 'return answers.length > 0 || view === undefined;' }],
  },
  'pauses-left-behind': {
    guard: 'a shard that slots come to knows what is paused [OP3]',
    edits: [{ file: 'persistence/reshard/flip.ts', find: '      target.query(GIVE_PAUSES, [pauses?.rows]),\n', replace: '' }],
  },
  'flips-unfenced': {
    guard: 'a flip locks its holders before it copies what changed [SH6]',
    edits: [{ file: 'persistence/reshard/statements.ts', find: 'from inventory where slot_of(holder::text) = any($1::int[]) order by holder for update', replace: 'from inventory where slot_of(holder::text) = any($1::int[]) order by holder' }],
  },
  'flips-without-catching-up': {
    guard: 'a flip copies what was added to the histories since the last copy [SH6]',
    edits: [{ file: 'persistence/reshard/flip.ts', find: 'Promise.all(HISTORIES.map(async (history, at) => await append(target, history, histories[at]?.[0]))),', replace: 'Promise.resolve(histories),' }],
  },
  'leaves-copies': {
    guard: 'what a move leaves behind on its source is removed [SH6]',
    edits: [{ file: 'persistence/reshard/move.ts', find: "await runner.query(text, [of === 'holders' ? holders : slots]);", replace: 'void [of, text, holders];' }],
  },
  'resolver-absent': {
    guard: 'the resolver ends what a dead coordinator left prepared [TP4]',
    edits: [{ file: 'server/resolver.ts', find: 'await storage.resolveInDoubt()', replace: '[] as Awaited<ReturnType<Storage["resolveInDoubt"]>>' }],
  },
  'asset-by-asset': {
    guard: 'all that a trade moves is one transaction [LD1]',
    edits: [
      {
        file: TRADE,
        find: 'const outcome = await this.#deps.ledger.submit(this.#movement());',
        replace: `const whole = this.#movement();
      let outcome!: MovementOutcome;
      for (const [at, posting] of whole.postings.entries()) {
        outcome = await this.#deps.ledger.submit({ ...whole, postings: [posting], commands: at === 0 ? whole.commands : whole.commands.map((command) => ({ ...command, id: crypto.randomUUID() as CommandId })) });
      }`,
      },
    ],
  },
  'answers-first': {
    guard: 'a trade is answered after its commit [KE1]',
    edits: [{ file: TRADE, find: 'await this.#settleOnce();', replace: 'setTimeout(() => void this.#settleOnce(), 1_000);' }],
  },
  'accepts-any-revision': {
    guard: 'an acceptance is of the revision that was seen [TR2]',
    edits: [{ file: WINDOW, find: 'if (revision !== this.revision) throw', replace: 'if (revision > this.revision) throw' }],
  },
  'offer-keeps-acceptances': {
    guard: 'an offer clears both acceptances [TR1]',
    edits: [{ file: WINDOW, find: 'for (const side of this.#sides) side.acceptedBy = [];', replace: '' }],
  },
  'counts-acceptances': {
    guard: 'both sides must accept, not one side twice [TR3]',
    edits: [
      {
        file: WINDOW,
        find: 'if (this.#sides[otherOf(place)].acceptedBy.length === 0) return',
        replace: 'if (this.#sides.flatMap(({ acceptedBy }) => acceptedBy).length < 2) return',
      },
    ],
  },
  'cancels-while-settling': {
    guard: 'a trade that settles cannot be cancelled [TR4]',
    edits: [
      { file: WINDOW, find: 'cancel(reason: string): void {\n    this.mustBeOpen();', replace: 'cancel(reason: string): void {' },
      { file: WINDOW, find: "invariant(this.phase === 'settling', 'only a settling trade is settled');", replace: '' },
    ],
  },
  'settles-again': {
    guard: 'a trade settles once [TR3]: its phase, and its commands in the database',
    edits: [
      { file: WINDOW, find: "this.phase = 'settling';", replace: '' },
      { file: WINDOW, find: "invariant(this.phase === 'settling', 'only a settling trade is settled');", replace: '' },
      { file: SETTLE, find: 'from c cross join lateral (select hash, answer from command where actor = c.actor and id = c.id offset 0) k)`', replace: 'from c join command k on false)`' },
      { file: SETTLE, find: "from c where ${mayAct('c')})", replace: 'from c on conflict do nothing)' },
      { file: SURE, find: SURE_OF_COMMANDS, replace: 'as c(r) on conflict do nothing)' },
    ],
  },
  'frozen-moves': {
    guard: 'nothing leaves a frozen account or enters it [OP2]',
    edits: [
      { file: 'persistence/settle-outcomes.ts', find: "if (cold !== undefined) refuse('ACCOUNT_FROZEN', { playerId: cold });", replace: '' },
      { file: 'server/guilds/decide.ts', find: "if (frozen) return refused('ACCOUNT_FROZEN', { playerId: actor });", replace: '' },
    ],
  },
  'paused-goes-on': {
    guard: 'each writer asks, behind its locks, what is paused [OP3]',
    edits: [
      { file: 'persistence/transaction.ts', find: 'this.#hear(index, row.paused);', replace: 'this.#hear(index, []);' },
      { file: WRITER, find: 'when ${PAUSED} is distinct from ${paused} then', replace: 'when ${PAUSED} is distinct from ${paused} and false then' },
    ],
  },
  'ownership-unchecked': {
    guard: 'only the holder gives an item away [TR5]: at the offer and at the write',
    edits: [
      { file: TRADE, find: 'const items = offer.items.flatMap((id) => held.item(id) ?? []);', replace: "const items = offer.items.map((id) => held.item(id) ?? { id, kind: 'sword', version: 1, bound: false, attributes: {} });" },
      { file: SETTLE, find: ITEM_CHECK, replace: 'i.holder is null or i.held_version <> i.version or (i.bound and i.receiver is not null)' },
      { file: SURE, find: SURE_OF_ITEM, replace: 'r.id = #items[#item[p.r]] and r.version = #version[p.r]' },
    ],
  },
  'bound-unchecked': {
    guard: 'a bound item stays with its holder [TR5]: at the offer and at the write',
    edits: [
      { file: TRADE, find: 'items.every(({ bound }) => !bound)', replace: 'items.every(() => true)' },
      { file: SETTLE, find: ITEM_CHECK, replace: 'i.holder is null or i.holder <> i.giver or i.held_version <> i.version' },
      ...UNBOUND,
    ],
  },
  'write-trusts-offer': {
    guard: 'the write looks at the items again [TR5], with one ledger row per version of an item behind it',
    edits: [
      { file: SETTLE, find: ITEM_CHECK, replace: 'false' },
      { file: SURE, find: SURE_OF_ITEM, replace: 'r.id = #items[#item[p.r]]' },
      ...UNBOUND,
      { file: MIGRATION, find: 'create unique index ledger_item', replace: 'create index ledger_item' },
    ],
  },
  'quantity-unchecked': {
    guard: 'a quantity is a whole number from 1 to 2^53 - 1 [QU1]: on the wire and in the ledger',
    edits: [
      { file: 'schema/quantities.ts', find: 'export const Quantity = z.int().min(1).max(QUANTITY_MAX)', replace: 'export const Quantity = z.any()' },
      { file: MIGRATION, find: 'quantity bigint not null check (quantity >= 1)', replace: 'quantity bigint not null' },
    ],
  },
  'balances-unbounded': {
    guard: 'a balance stays between 0 and 2^53 - 1 [LD4]: in the check before the write, of what leaves, and in the table',
    edits: [
      { file: SETTLE, find: 'from b where coalesce(held, 0) < spent', replace: 'from b where false' },
      { file: SURE, find: 'and r.quantity >= #spent[n.at::int]', replace: 'and #spent[n.at::int] >= 0' },
      { file: SURE, find: "changed: ['debited'], column: 'debitHolder'", replace: "changed: ['debited'], column: 'paused'" },
      { file: MIGRATION, find: 'quantity bigint not null constraint balance_bounds check (quantity between 0 and 9007199254740991)', replace: 'quantity bigint not null' },
    ],
  },
  'commands-forgotten': {
    guard: 'the command is stored in the transaction of its effect [KE1]',
    edits: [
      { file: SETTLE, find: "from c where ${mayAct('c')})", replace: 'from c where false)' },
      { file: SURE, find: SURE_OF_COMMANDS, replace: 'as c(r) where false)' },
    ],
  },
  'commands-act-twice': {
    guard: 'a command that acted does not act again [KE1] [KE2]: its check, and its primary key',
    edits: [
      { file: SETTLE, find: 'from c cross join lateral (select hash, answer from command where actor = c.actor and id = c.id offset 0) k)`', replace: 'from c join command k on false)`' },
      { file: SETTLE, find: "from c where ${mayAct('c')})", replace: 'from c on conflict do nothing)' },
      { file: SURE, find: SURE_OF_COMMANDS, replace: 'as c(r) on conflict do nothing)' },
    ],
  },
  'renames-again': {
    guard: 'a renaming stores its command [KE1]',
    edits: [{ file: 'persistence/players.ts', find: "await em.execute('insert into command", replace: "if (renamed.length > 1) await em.execute('insert into command" }],
  },
  'repeats-run': {
    guard: 'a repeat waits for the answer of the first [KE1]: any command while it runs, an acceptance also afterwards',
    edits: [
      { file: 'server/ledger/idempotency.ts', find: 'if (running !== undefined) {', replace: "if (running !== undefined && name === '') {" },
      { file: TRADE, find: 'if (side.acceptedBy.includes(commandId)) return', replace: "if (side.acceptedBy.includes(commandId) && hash.length === 0) return" },
    ],
  },
  'outcome-hasty': {
    guard: 'an outcome waits for a transaction that is prepared still [KE4]',
    edits: [{ file: 'server/ledger/idempotency.ts', find: '{ awaitWriters: true }', replace: '{ awaitWriters: false }' }],
  },
  'payload-unchecked': {
    guard: 'the same command id with another payload is refused [KE2]',
    edits: [{ file: 'server/ledger/idempotency.ts', find: "if (!known.hash.equals(hash)) throw new Refusal('COMMAND_REUSED', { commandId: id });", replace: '' }],
  },
  'poison-spreads': {
    guard: 'what fails a batch is tried again alone [TQ3]',
    edits: [{ file: 'server/ledger/ledger.ts', find: 'mayRunAlone: (error) => !(', replace: 'mayRunAlone: (error) => error === undefined && !(' }],
  },
  'refused-together': {
    guard: 'a movement that must not happen is left out of its batch alone [LD3]',
    edits: [{ file: SETTLE, find: 'not exists (select 1 from bad where bad.ix = ${row}.ix)', replace: "not exists (select 1 from bad where ${row === 'b' ? 'true' : `bad.ix = ${row}.ix`})" }],
  },
  'shards-backwards': {
    guard: 'every process takes the shards in the same order [LD2]',
    edits: [{ file: TRANSACT, find: '.toSorted((a, b) => a - b)', replace: '.toSorted((a, b) => b - a)' }],
  },
  'rows-backwards': {
    guard: "every process takes a shard's rows in the same order [LD2]",
    edits: [{ file: SETTLE, find: 'order by holder for update', replace: 'order by holder desc for update' }],
  },
  'begins-nothing': {
    guard: 'what a shard writes is in a transaction [LD1]',
    edits: [{ file: 'persistence/shard-transaction.ts', find: "client.query('begin')", replace: "client.query('select 1')" }],
  },
  'join-believes-cache': {
    guard: 'a room that opens reads PostgreSQL, not the cache [DS6]',
    edits: [{ file: 'rooms/player-room.ts', find: 'deps.inventory.reload(this.#playerId)', replace: 'deps.inventory.get(this.#playerId)' }],
  },
  'drop-loses-seat': {
    guard: 'a client that the network dropped keeps its seat for a while [RM4]',
    edits: [{ file: 'rooms/kit/authenticated-room.ts', find: '!dropped || this.kit.reconnectionWindowS === 0', replace: 'true' }],
  },
  'deltas-untold': {
    guard: 'a room hears what changed for its player, also while the client is away [DS2]',
    edits: [{ file: 'server/inventory/inventory.ts', find: "this.#bus.publish('player', delta.holderId as PlayerId, { type: 'delta', delta });", replace: '' }],
  },
  'displaced-stay': {
    guard: "the displaced session's seats are closed at once [SE1]",
    edits: [
      { file: 'server/sessions/index.ts', find: 'if ((event.displaces || !isFree) && !isOwn) return onDisplaced();', replace: 'if (event.displaces || !isFree) return;' },
      { file: 'rooms/player-room.ts', find: 'if (this.#epoch > 0 && event.epoch > this.#epoch) this.#displaced(event.clientId);', replace: '' },
    ],
  },
  'no-fence': {
    guard: 'the database refuses the writes of a displaced session [SE2]',
    edits: [{ file: 'persistence/settle-outcomes.ts', find: 'rows.get(player)?.epoch !== epoch', replace: 'false' }],
  },
  'no-front-door': {
    guard: 'requests that the framework cannot read are refused before it [RM3]',
    edits: [
      { file: 'server/app.ts', find: "import { FrontDoor } from './http/front-door.ts';", replace: "import { createServer } from 'node:http';" },
      { file: 'server/app.ts', find: 'new FrontDoor((request, response, pass) => pages.answerAgain(request, response, pass))', replace: 'createServer()' },
    ],
  },
  'frames-unguarded': {
    guard: 'a frame that the framework throws on ends its client only [RM3]',
    edits: [{ file: 'rooms/kit/authenticated-room.ts', find: 'this.#guardFrames();', replace: '' }],
  },
  'framework-speaks': {
    guard: 'a client hears our words and never those of the framework [RM3]',
    edits: [
      { file: 'rooms/kit/client-guard.ts', find: 'send(inOurWords(frame), options)', replace: 'send(frame, options)' },
      { file: 'rooms/kit/authenticated-room.ts', find: 'this.#guardHooks();', replace: '' },
    ],
  },
  'kicked-keeps-seat': {
    guard: 'a kicked client has no seat left, whatever code its socket closed with [RM4]',
    edits: [{ file: 'rooms/kit/authenticated-room.ts', find: 'DROPS.has(code) && !this.#kicked.has(client)', replace: 'DROPS.has(code)' }],
  },
  'leases-unfenced': {
    guard: 'PostgreSQL refuses what a process writes whose lease was taken [PL1]',
    edits: [
      { file: 'persistence/transaction.ts', find: 'if (row?.fenced) throw', replace: 'if (row?.fenced === undefined) throw' },
      { file: WRITER, find: 'when ${isFenced(lease)} then', replace: 'when ${isFenced(lease)} and false then' },
      { file: 'server/lost-lease.ts', find: 'if (await storage.isFenced(storage.lease.id)) storage.lease.lost();', replace: 'await storage.isFenced(storage.lease.id);' },
    ],
  },
  'fresh-command-ids': {
    guard: 'a client sends a command again with the same command id [CL3]',
    edits: [{ file: LINK, find: '{ ...(payload as object), commandId }', replace: '{ ...(payload as object), commandId: newCommandId() }' }],
  },
  'fights-for-session': {
    guard: 'a client whose session was taken over stops until it is told to come back [CL6]',
    edits: [{ file: LINK, find: 'if (code === SESSION_REPLACED && reason !== SAME_CLIENT) return void this.#displaced(this.#renew());', replace: '' }],
  },
  'keeps-apart': {
    guard: 'rooms are spread over the processes: this one has its own alone, so that what another guard lets happen happens where the test looks',
    edits: [
      { file: 'server/backplane.ts', find: 'if (emptiest === undefined || (', replace: 'if (emptiest === undefined || own !== undefined || (' },
      { file: 'persistence/redis/room-presence.ts', find: 'super.hset(key, field, value)', replace: "super.hset(key, field, key === 'roomcount' ? '100000,0' : value)" },
    ],
  },
  'bus-muted': {
    guard: 'what happens in one process is told to the others [BU1]',
    edits: [{ file: 'persistence/redis/bus.ts', find: 'commands.publish(`${PREFIX}${channel}:${key}`, packr.pack([origin, Date.now(), event] satisfies Envelope)).catch(onDropped);', replace: '' }],
  },
  'seats-adopted': {
    guard: 'a seat that was taken in a session is no other one’s, also when Redis has lost the session [SE2]',
    edits: [{ file: 'server/sessions/index.ts', find: 'if (session !== undefined) isFree = false;', replace: '' }],
  },
  'gap-unheard': {
    guard: 'after the bus was away, rooms look whether they missed something [BU2]',
    edits: [{ file: 'server/backplane.ts', find: 'onGap: () => void joined?.features.heal()', replace: 'onGap: () => void Promise.resolve(joined)' }],
  },
  'write-trusts-giver': {
    guard: 'the write looks at who has the item [TR5]',
    edits: [
      { file: SETTLE, find: ITEM_CHECK, replace: 'i.holder is null or i.held_version <> i.version or (i.bound and i.receiver is not null)' },
      { file: SURE, find: SURE_OF_ITEM, replace: 'r.id = #items[#item[p.r]] and r.version = #version[p.r]' },
      { file: SETTLE, find: "case when i.holder is null or i.holder <> i.giver then 'NOT_OWNER'", replace: "case when i.holder is null then 'NOT_OWNER'" },
    ],
  },
  'losses-unseen': {
    guard: 'what lives here is listed again when Redis has lost it [RD7]',
    edits: [{ file: 'persistence/redis/generation.ts', find: 'await onLost();', replace: '' }],
  },
  'guild-strangers-welcome': {
    guard: 'who acts in a guild has the rank that is there under the locks, or none [GA2]',
    edits: [{ file: DECIDE, find: 'const rank = draft.rankOf(actor);', replace: "const rank = draft.rankOf(actor) ?? 'member';" }],
  },
  'guild-ranks-of-before': {
    guard: 'a rank is the one that the actions before it in the flush have left [GA2]',
    edits: [{ file: DECIDE, find: 'const rank = draft.rankOf(actor);', replace: 'const rank = draft.guild.members.find(({ playerId }) => playerId === actor)?.rank;' }],
  },
  'guild-seats-uncounted': {
    guard: 'a guild has so many seats [GU2]',
    edits: [
      {
        file: DECIDE,
        find: "if (draft.memberCount >= rules.membersMax) return refused('GUILD_FULL', { membersMax: rules.membersMax });\n      if (draft.isTaken(actor))",
        replace: 'if (draft.isTaken(actor))',
      },
    ],
  },
  'guild-memberships-uncounted': {
    guard: 'a player is in one guild [GU2]',
    edits: [{ file: DECIDE, find: "if (draft.isTaken(actor)) return refused('ALREADY_IN_GUILD');", replace: '' }],
  },
  'guild-holdings-unchecked': {
    guard: 'a guild gives what it has, and takes what the member has [GU5]: the decision of it, before the write looks again',
    edits: [
      { file: DECIDE, find: "...items.filter((item) => draft.item(item)?.holder !== giver).map(", replace: '...items.filter(() => false).map(' },
      { file: DECIDE, find: '.filter(([asset, quantity]) => draft.available(giver, asset) < quantity)', replace: '.filter(() => false)' },
    ],
  },
  'guild-poison-spreads': {
    guard: 'an action that is refused is left out of its flush alone [GA3]',
    edits: [
      { file: DECIDE, find: "if (verdict.status === 'done') seen.add(key);", replace: "if (verdict.status === 'refused') throw new Error(verdict.code);" },
      { file: GUILDS, find: 'mayRunAlone: (error) => !(', replace: 'mayRunAlone: (error) => error === undefined && !(' },
    ],
  },
  'guild-asked-before-locks': {
    guard: 'what a guild is decided by is read behind the locks [GA2]: also the numbers of its lines, of which there is one each',
    edits: [
      { file: 'persistence/settle-locks.ts', find: '    const locking = lockAll(part, here,', replace: '    ahead?.send(part, shardOf);\n    const locking = lockAll(part, here,' },
      { file: 'persistence/guilds/write-flush.ts', find: '[id, guild.logged + at + 1, line]', replace: '[id, Math.floor(Math.random() * 2 ** 50), line]' },
      // Who waits for nobody has read nothing that is old.
      { file: 'persistence/settle-locks.ts', find: 'const isAtOnce = !isOrderly && slots.length === 0;', replace: 'const isAtOnce = isOrderly && slots.length < 0;' },
    ],
  },
  'guild-foreseen-blindly': {
    guard: 'a guild is as was foreseen, or what was decided is not written [GA6]: also the numbers of its lines, of which there is one each',
    edits: [
      { file: 'persistence/guilds/flush-statements.ts', find: 'where r.id = g.id and r.version = g.version and r.logged = g.logged and r.disbanded_at is null returning 1)', replace: 'where r.id = g.id and r.disbanded_at is null returning 1)' },
      { file: 'persistence/guilds/write-flush.ts', find: 'seq: guild.logged + at + 1, line', replace: 'seq: Math.floor(Math.random() * 2 ** 50), line' },
    ],
  },
  'sessions-foreseen': {
    guard: 'who acts by what was foreseen has the session that is there under the locks [GA6] [TP11]',
    edits: [{ file: SURE, find: ' and r.session_epoch = #epochs[h.at::int] and not r.frozen returning', replace: ' returning' }],
  },
  'sessions-together': {
    guard: 'one session of a player, or what they ask is not foreseen [TP11]',
    edits: [{ file: 'persistence/settle-foreseen.ts', find: 'epoch === undefined || (sessions.get(holder) ?? epoch) !== epoch', replace: 'epoch === undefined' }],
  },
  'pauses-unforeseen': {
    guard: 'what is known to be paused is not foreseen [TP11] [OP3]',
    edits: [{ file: 'persistence/settle-foreseen.ts', find: ' || pausedIn(postings, paused) !== undefined', replace: ' || pausedIn([], paused) !== undefined' }],
  },
  'overdrawn-together': {
    guard: 'what is held at first covers all that is spent by movements that go together [LD7]',
    edits: [{ file: SURE, find: 'r.quantity >= #spent[n.at::int]', replace: 'r.quantity + #change[n.at::int] >= least(0, #spent[n.at::int])' }],
  },
  'guild-names-shared': {
    guard: 'no two guilds have one name or tag [GU1]',
    edits: [{ file: 'persistence/guilds/guild-store.ts', find: 'if (taken.length === 0) throw', replace: 'if (taken.length < 0) throw' }],
  },
  'guild-limits-uncounted': {
    guard: 'what a member takes out in a day is counted [GU5]',
    edits: [{ file: DECIDE, find: 'if (taken?.counts !== undefined) draft.take(actor, taken.counts);', replace: '' }],
  },
  'guild-limits-forgotten': {
    guard: 'what a member took out is not forgotten by leaving [GU5]',
    edits: [
      {
        file: 'persistence/guilds/flush-statements.ts',
        find: 'where m.guild = r.guild and m.player = r.player)\n',
        replace: 'where m.guild = r.guild and m.player = r.player), reset as (delete from guild_withdrawal w using unnest($1::uuid[], $2::uuid[]) as r(guild, player) where w.guild = r.guild and w.player = r.player)\n',
      },
    ],
  },
  'guild-commands-unknown': {
    guard: 'an action that acted does not act again [GA4]: where it is decided',
    edits: [{ file: DECIDE, find: 'const known = snapshot.known(action.actor, action.commandId);', replace: 'const known = undefined as ReturnType<typeof snapshot.known>;' }],
  },
  'guild-leaders-stay': {
    guard: 'who hands the place over leads no longer [GU4]: where it is decided, and in the table',
    edits: [
      { file: DECIDE, find: "if (wanted === 'leader') draft.promote(actor, 'officer');", replace: '' },
      { file: 'persistence/migrations/migration-20261128000000-guilds.ts', find: 'create unique index guild_leader', replace: 'create index guild_leader' },
    ],
  },
  'guild-ends-with-bank': {
    guard: 'a guild with anything in its bank is not disbanded [GU6]',
    edits: [
      { file: DECIDE, find: "if (draft.postings.length > 0) return { status: 'again' };", replace: '' },
      { file: DECIDE, find: "if (!draft.bankIsEmpty) return refused(", replace: "if (draft.bankIsEmpty === undefined) return refused(" },
    ],
  },
  'dead-stay-online': {
    guard: 'who was on a process that died is not there any more [GN2]',
    edits: [{ file: 'server/backplane.ts', find: 'isAlive: (processId) => membership?.alive().some((member) => member.processId === processId) ?? false,', replace: 'isAlive: () => true,' }],
  },
  'scores-forget-commands': {
    guard: 'a score whose command acted before acts no more [LB3]: its look-up, and its primary key',
    edits: [
      { file: SCORES, find: 'as known, answer from command where not p.fresh and actor = p.player and id = p.command offset 0)', replace: 'as known, answer from command where false offset 0)' },
      { file: SCORES, find: 'from told where acts)', replace: 'from told where acts on conflict do nothing)' },
    ],
  },
  'scores-share-ids': {
    guard: "a score's id is claimed over all shards before it is recorded [LB3]",
    edits: [{ file: 'persistence/scores/score-store.ts', find: "one.isReused = (fresh.has(one.score.id) ? hashes : stored).get(one.score.id) !== one.score.hash.toString('hex');", replace: 'one.isReused = !fresh.has(one.score.id) && !stored.has(one.score.id);' }],
  },
  'left-out-forgotten': {
    guard: 'who finds a process dead looks after what it left out of the boards [LB5] [LB7]',
    edits: [{ file: 'server/lost-lease.ts', find: 'void deps.features.leaderboards.recover()', replace: 'void Promise.resolve()' }],
  },
  'resolved-untold': {
    guard: 'what a resolver committed is looked after on the boards [LB7]',
    edits: [{ file: 'server/resolver.ts', find: 'onCommitted?.();', replace: 'void onCommitted;' }],
  },
  'seasons-unlocked': {
    guard: 'who records a score keeps its season from being closed [LB8]',
    edits: [{ file: SCORES, find: "text: `select pg_advisory_xact_lock_shared(${SEASON_LOCK})`", replace: "text: 'select 1'" }],
  },
  'seasons-closed-by-all': {
    guard: 'who finds a season over closes that one, while it is open and over [LB8]',
    edits: [
      { file: SEASONS, find: 'where board = $1 and number = $2 and closed_at is null and ends_at <= clock_timestamp() returning number', replace: 'where board = $1 and number >= $2 and closed_at is null returning number' },
      { file: SEASONS, find: 'values ($1, $2, to_timestamp($3::float8 / 1000))', replace: 'select board, max(number) + 1, to_timestamp($3::float8 / 1000) from season where board = $1 and number >= $2 - 1 group by board' },
    ],
  },
  'seasons-untold': {
    guard: 'every shard is told of a close before the places are written [LB8]',
    edits: [{ file: SEASONS, find: 'every(([board, number]) => (held.get(board) ?? 0) >= number)', replace: 'every(([board]) => held.has(board))' }],
  },
  'unheard-stays-untold': {
    guard: 'what was committed although nobody heard so is brought to the boards [LB5]: a score when it is repeated, and what is counted when it is counted again',
    edits: [
      { file: 'server/leaderboards/leaderboards.ts', find: 'if (outcome.repeated) await', replace: 'if (outcome.repeated === undefined && outcome.season < 0) await' },
      { file: 'server/leaderboards/counting.ts', find: 'if (unsure.length > 0) void', replace: 'if (unsure.length < 0) void' },
    ],
  },
  'old-sets-believed': {
    guard: 'a set is complete only in the run of its server in which it was filled [LB5]',
    edits: [{ file: 'persistence/redis/board-sets.ts', find: 'return mark === runNow() ? answerOf(answer) : undefined;', replace: "return mark === '' ? undefined : answerOf(answer);" }],
  },
  'regions-waited-for': {
    guard: 'a region that says nothing is not waited for longer than for 200 ms [LB6]',
    edits: [{ file: 'server/leaderboards/regions.ts', find: 'const ANSWER_MAX_MS = 200;', replace: 'const ANSWER_MAX_MS = 2_500;' }],
  },
  'scores-left-behind': {
    guard: "a player's scores move with the slot [LB4]",
    edits: [{ file: 'persistence/reshard/statements.ts', find: "{ table: 'score', where: 'r.player in (select id from player where slot = any($1::int[]))' },", replace: '' }],
  },
  'route-unlisted': {
    guard: 'every route is in the table of who may [SC2]',
    edits: [{ file: 'server/app.ts', find: 'app.use(refusals(log));', replace: "app.get('/backdoor', (_request, response) => void response.json({}));" }],
  },
  'service-unguarded': {
    guard: 'routes of the service demand its key [SC2]',
    edits: [{ file: 'server/http/service-routes.ts', find: 'routes.use(demandServiceKey(serviceKey), jsonBody', replace: 'routes.use(jsonBody' }],
  },
  'admin-unguarded': {
    guard: "pages of operators demand the admin's password [SC2]",
    edits: [{ file: 'server/http/admin-guard.ts', find: 'if (isAdmin(request.headers.authorization, adminPassword)) return next();', replace: 'if (!isAdmin(undefined, adminPassword)) return next();' }],
  },
  'guilds-unguarded': {
    guard: 'what members read of their guild demands their token [SC2]',
    edits: [
      { file: 'server/http/guild-routes.ts', find: "throw new Refusal('UNAUTHENTICATED');\n    });", replace: "return { playerId: '' as PlayerId };\n    });" },
      { file: 'server/http/guild-routes.ts', find: "if (!(await players.has(playerId))) throw new Refusal('UNAUTHENTICATED');", replace: '' },
    ],
  },
  'erased-sit-down': {
    guard: 'who takes a seat is a player still [SC5]',
    edits: [{ file: 'server/sessions/index.ts', find: 'if (held?.profile === undefined)', replace: 'if (held === undefined)' }],
  },
  'headers-bare': {
    guard: 'every answer has the security headers [SC1]',
    edits: [{ file: 'server/http/front-door.ts', find: 'if (way instanceof ServerResponse) for (const', replace: 'if (way instanceof ServerResponse && request.url === undefined) for (const' }],
  },
  'pages-strangers': {
    guard: "pages of operators are asked by themselves alone, whatever the browser sends along [SC3]",
    edits: [{ file: 'server/http/admin-guard.ts', find: '[demandSameOrigin, slowGuesses(options),', replace: '[slowGuesses(options),' }],
  },
  'operators-cors': {
    guard: "answers of operators' routes are for no other origin [SC3]",
    edits: [{ file: 'server/http/cross-origin.ts', find: 'const OPERATORS = /^\\/(?:ops|monitor|playground|service|metrics)', replace: 'const OPERATORS = /^\\/(?:ops)' }],
  },
  'paths-by-readers': {
    guard: 'a path means the same to all who read it, so that what is counted is what is served [SC4]',
    edits: [{ file: 'server/http/front-door.ts', find: "if (!url.startsWith('/') || !isPlainPath(url))", replace: "if (!url.startsWith('/') || !URL.canParse(`http://host${url}`))" }],
  },
  'waits-unbounded': {
    guard: 'who does not finish a request is closed in time [SC6]',
    edits: [{ file: 'server/http/front-door.ts', find: 'super(WAITS_MS);', replace: 'super();' }],
  },
  'rows-in-log': {
    guard: 'what the database says of a row that it refused is not logged [SC7]',
    edits: [{ file: 'server/telemetry/index.ts', find: 'serializers: { err: withoutRows },', replace: '' }],
  },
} as const satisfies Record<string, Mutation>;

export type MutationName = keyof typeof MUTATIONS;
