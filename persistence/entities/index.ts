import { Account } from './account.ts';
import { Cluster } from './cluster.ts';
import { Balance, Inventory, Item } from './holdings.ts';
import { Command, Decision, LedgerEntry } from './ledger.ts';
import { Player } from './player.ts';

export const ENTITIES = [Account, Balance, Cluster, Command, Decision, Inventory, Item, LedgerEntry, Player];
