import { OPERATOR_ACTOR, SERVICE_ACTOR } from '../posting.ts';

/**
 * What is on a shard, $1, and should not be. Each statement reads one snapshot, in which a holder's inventory row and the row
 * of its slot change together; what a move has copied, or not yet removed, is nobody's until the move has ended.
 */

/** Of each kind of problem the first few: a shard that has one has millions. */
const NAMED_MAX = 20;

export const MOVES = 'select slot, source, target from slot_move order by slot';

const first = (problems: string) => `select problem from (${problems}) p order by problem limit ${NAMED_MAX}`;
const elsewhere = (slot: string) => `exists (select 1 from slot s where s.slot = ${slot} and s.shard <> $1::int)`;
const still = (slot: string) => `not exists (select 1 from slot_move m where m.slot = ${slot})`;
const absent = (holder: string) => `not exists (select 1 from inventory v where v.holder = ${holder})`;
const slotOf = (key: string) => `slot_of((${key})::text)`;
/** The service and the operators have no holder; their commands are where their own ids are. */
const NO_PLAYERS = `('${SERVICE_ACTOR}', '${OPERATOR_ACTOR}')`;

export const MISPLACED = [
  first(`select 'holder ' || holder || ' is here, and slot ' || ${slotOf('holder')} || ' is not' as problem from inventory where ${elsewhere(slotOf('holder'))}`),
  first(`select 'player ' || id || ' is here, and slot ' || slot || ' is not' as problem from player where ${elsewhere('player.slot')} and ${still('player.slot')}`),
  first(`select 'account ' || login || ' is here, and slot ' || slot_of(login) || ' is not' as problem from account where ${elsewhere('slot_of(login)')} and ${still('slot_of(login)')}`),
  first(`select 'guild ' || id || ' is here, and slot ' || slot || ' is not' as problem from guild where ${elsewhere('guild.slot')} and ${still('guild.slot')}`),
  first(`select 'member ' || player || ' of guild ' || guild || ', which is not here' as problem from guild_member m where not exists (select 1 from guild g where g.id = m.guild)`),
  first(`select 'withdrawals of ' || player || ' from guild ' || guild || ', which is not here' as problem from guild_withdrawal w where not exists (select 1 from guild g where g.id = w.guild)`),
  first(`select 'guild name ' || key || ' is here, and slot ' || slot_of(key) || ' is not' as problem from guild_name where ${elsewhere('slot_of(key)')}`),
  first(`select 'invitation of ' || player || ' is here, and slot ' || ${slotOf('player')} || ' is not' as problem from guild_invitation where ${elsewhere(slotOf('player'))}`),
  first(`select 'leftover: line ' || seq || ' of guild ' || guild || ', which is not here' as problem from guild_log where ${absent('guild_log.guild')} and ${still(slotOf('guild'))}`),
  first(`select 'score of ' || player || ' on ' || board || ', who is not here' as problem from score s where not exists (select 1 from player p where p.id = s.player)`),
  first(`select 'leftover: place of ' || player || ' on ' || board || ', who is not here' as problem from score_result where ${absent('score_result.player')} and ${still(slotOf('player'))}`),
  first(`select 'service command ' || id || ' is here, and slot ' || ${slotOf('id')} || ' is not' as problem from command
    where actor in ${NO_PLAYERS} and ${elsewhere(slotOf('id'))} and ${still(slotOf('id'))}`),
  first(`select 'leftover: item ' || id || ' of ' || holder || ', who is not here' as problem from item where ${absent('item.holder')} and ${still(slotOf('holder'))}`),
  first(`select 'leftover: ' || asset || ' of ' || holder || ', who is not here' as problem from balance where ${absent('balance.holder')} and ${still(slotOf('holder'))}`),
  first(`select 'leftover: command ' || id || ' of ' || actor || ', who is not here' as problem from command
    where actor not in ${NO_PLAYERS} and ${absent('command.actor')} and ${still(slotOf('actor'))}`),
  first(`select 'leftover: ledger row ' || transaction_id || ' ' || seq || ', of which nobody is here' as problem from ledger
    where ${absent('ledger.giver')} and ${absent('ledger.receiver')} and ${still(`${slotOf('giver')}`)} and ${still(slotOf('receiver'))}`),
  first(`select 'leftover: a copy of ' || holder || ' was made for a move that is over' as problem from incoming where ${still('incoming.slot')}`),
];
