import type { ClientId, PlayerId } from '../schema/ids.ts';
import { invariant } from '../schema/invariant.ts';
import { Refusal } from '../schema/refusals.ts';
import { isUniqueViolation } from './database-errors.ts';
import { Account } from './entities/account.ts';
import { Inventory } from './entities/holdings.ts';
import { Player } from './entities/player.ts';
import { newId } from './new-id.ts';
import { playerMaker, type NewPlayer } from './new-players.ts';
import type { RoutedRead } from './routed-read.ts';
import type { Transact } from './routed-transact.ts';
import { sessionTaker } from './session-taker.ts';
import { slotOf } from './slots.ts';
import type { Statement } from './shard-transaction.ts';
import type { Transaction } from './transaction.ts';
import type { CommandRecord } from './posting.ts';

/** Fenced by the session's epoch, in the statement that writes. [SE2] */
const RENAME: Statement = {
  name: 'rename',
  text: `update player set name = $2 where id = $1 and not exists (select from inventory where holder = $1 and session_epoch > $3)
         returning 1`,
};

export interface Credentials {
  /** The e-mail, folded to lower case. */
  login: string;
  passwordHash: string;
}

export interface StoredAccount extends Credentials {
  playerId: PlayerId;
  name: string;
}

/** Players and their ways in; a player and its account are made in one transaction. */
export interface PlayerStore {
  /** @throws {Refusal} BAD_REQUEST when the login is taken */
  create(player: NewPlayer, credentials?: Credentials): Promise<PlayerId>;
  /** Gives an anonymous player a login, once. @throws {Refusal} UNKNOWN_PLAYER; BAD_REQUEST when either has one already */
  upgrade(playerId: PlayerId, credentials: Credentials): Promise<void>;
  findAccount(login: string): Promise<StoredAccount | undefined>;
  /** @throws {Refusal} UNKNOWN_PLAYER; SESSION_REPLACED when a newer session than that of the epoch was taken */
  rename(playerId: PlayerId, name: string, epoch: number, command: CommandRecord): Promise<void>;
  /** Raises the player's session epoch, so that every earlier session's writes are refused. @throws {Refusal} UNKNOWN_PLAYER [SE1] */
  takeSession(playerId: PlayerId, clientId?: ClientId): Promise<number>;
}

export function playerStore(transact: Transact, read: RoutedRead, shardOf: (key: string) => number): PlayerStore {
  const make = playerMaker(transact, shardOf);
  const takeSession = sessionTaker(transact, shardOf);
  return {
    async create({ name, region }, credentials) {
      if (credentials === undefined) return await make({ name, region });
      const id = newId<PlayerId>();
      const keys = [id, credentials.login];
      await takenLoginRefused(
        transact(keys, 'account', async (transaction) => {
          await transaction.takeSlots(keys);
          const em = await transaction.on(transaction.shardOf(id)).em();
          em.create(Player, { id, slot: slotOf(id), name, region, level: 1, xp: 0, guildId: null, login: credentials.login, createdAt: new Date() });
          em.create(Inventory, { holder: id, version: 0, sessionEpoch: 0 });
          await addAccount(transaction, credentials, id);
        }),
      );
      return id;
    },

    async upgrade(playerId, credentials) {
      const keys = [playerId, credentials.login];
      await takenLoginRefused(
        transact(keys, 'account', async (transaction) => {
          await transaction.takeSlots(keys);
          const em = await transaction.on(transaction.shardOf(playerId)).em();
          // One atomic check and write: of two upgrades at once, one finds the login set.
          const changed = await em.nativeUpdate(Player, { id: playerId, login: null, erasedAt: null }, { login: credentials.login });
          if (changed === 0) {
            const known = await em.count(Player, { id: playerId, erasedAt: null });
            throw known === 0 ? new Refusal('UNKNOWN_PLAYER', { playerId }) : new Refusal('BAD_REQUEST', { reason: 'the player already has a login' });
          }
          await addAccount(transaction, credentials, playerId);
        }),
      );
    },

    async findAccount(login) {
      const account = (await read([login], async (shard, logins) => (await shard.em().find(Account, { login: { $in: logins } })).map((found) => [found.login, found]))).get(login);
      if (account === undefined) return undefined;
      const playerId = account.playerId as PlayerId;
      const player = (await read([playerId], async (shard, ids) => (await shard.em().find(Player, { id: { $in: ids } })).map((found) => [found.id as PlayerId, found]))).get(playerId);
      invariant(player, 'an account has its player');
      return { login: account.login, passwordHash: account.passwordHash, playerId, name: player.name };
    },

    async rename(playerId, name, epoch, command) {
      await transact([playerId], 'rename', async (transaction) => {
        await transaction.takeSlots([playerId]);
        const part = transaction.on(transaction.shardOf(playerId));
        const em = await part.em();
        const renamed = await part.query(RENAME, [playerId, name, epoch]);
        if (renamed.length === 0) throw new Refusal((await em.count(Player, { id: playerId })) === 0 ? 'UNKNOWN_PLAYER' : 'SESSION_REPLACED', { playerId });
        // By the database's clock, as every row that a slot's move finds by its time.
        await em.execute('insert into command (actor, id, hash, answer) values (?, ?, ?, ?)', [command.actor, command.id, command.hash, JSON.stringify(command.answer(new Map()))]);
      });
    },

    takeSession,
  };
}

async function addAccount(transaction: Transaction, { login, passwordHash }: Credentials, playerId: PlayerId): Promise<void> {
  const em = await transaction.on(transaction.shardOf(login)).em();
  em.create(Account, { login, passwordHash, playerId, createdAt: new Date() });
}

async function takenLoginRefused(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isUniqueViolation(error)) throw new Refusal('BAD_REQUEST', { reason: 'email_already_in_use' });
    throw error;
  }
}
