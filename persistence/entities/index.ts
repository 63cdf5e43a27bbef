import { Account } from './account.ts';
import { Cluster } from './cluster.ts';
import { Guild, GuildMembership } from './guild.ts';
import { Balance, Inventory, Item } from './holdings.ts';
import { Command, Decision, LedgerEntry } from './ledger.ts';
import { Player } from './player.ts';
import { ScoreEntry, Season } from './score.ts';

export const ENTITIES = [Account, Balance, Cluster, Command, Decision, Guild, GuildMembership, Inventory, Item, LedgerEntry, Player, ScoreEntry, Season];
