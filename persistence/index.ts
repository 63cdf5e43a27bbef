/** The whole contract of storage: what features and the composition root may use. */
export { auditShards, type AuditReport, type InvariantReport } from './audit.ts';
export { memoryBus, type Bus, type PlayerEvent, type Subscription } from './bus.ts';
export { ClusterError, closeShards, migrateShards, openShards } from './cluster.ts';
export type { CommandReader, KnownCommand } from './commands.ts';
export { memoryCooldowns, type Cooldowns } from './cooldowns.ts';
export { isConnectionLoss, OutcomeUnknown } from './database-errors.ts';
export { EmbeddedPostgresError, findEmbeddedPostgres, startEmbeddedPostgres, type EmbeddedPostgres } from './embedded/index.ts';
export { startEmbeddedRedis, type EmbeddedRedis } from './embedded/redis.ts';
export { Balance, Inventory, Item } from './entities/holdings.ts';
export { Command, LedgerEntry } from './entities/ledger.ts';
export { type CommitPoint, faultPoints, type FaultPoint, FAULT_POINTS, FAULT_SPEC, MOVE_POINTS, type ReachFaultPoint } from './fault-points.ts';
export type { HeldVersion, HoldingsReader, Profile } from './holdings-reader.ts';
export type { HistoryEntry, ItemHistory } from './item-history.ts';
export {
  holdersOf, SERVICE_ACTOR,
  type CommandActor, type CommandRecord, type FungiblePosting, type ItemPosting, type MintPosting, type Movement, type MovementOutcome, type Posting, type StaleItem,
} from './movement.ts';
export { newId } from './new-id.ts';
export type { NewPlayer } from './new-players.ts';
export type { Credentials, PlayerStore, StoredAccount } from './players.ts';
export type { Judge } from './judge.ts';
export { memorySessionStore, SESSION_TTL_MS, type Session, type SessionStore } from './session-store.ts';
export type { Settle } from './settle.ts';
export { redisBus } from './redis/bus.ts';
export { openRedis, RedisError, type RedisLink } from './redis/client.ts';
export { redisCooldowns } from './redis/cooldowns.ts';
export { watchGeneration, type GenerationOptions } from './redis/generation.ts';
export { joinMembers, type Member, type Membership, type MembershipOptions } from './redis/membership.ts';
export { RoomDriver, type RoomDriverOptions } from './redis/room-driver.ts';
export { RoomPresence } from './redis/room-presence.ts';
export { redisSessionStore } from './redis/session-store.ts';
export type { MoveProgress, MoveReport } from './reshard/move.ts';
export { openResharding, type Plan, type Resharding } from './reshard/resharding.ts';
export { slotRanges } from './reshard/slot-ranges.ts';
export type { ShardStatus } from './reshard/status.ts';
export { openStorage, type Storage } from './storage.ts';
