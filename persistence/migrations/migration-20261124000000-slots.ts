import { Migration } from '@mikro-orm/migrations';

/**
 * Slots that move. `slot` says which shard holds each slot since which version of the map; `slot_map.version` is the
 * version at which what *this* shard holds last changed, and every writer compares it. A holder is on the shard where its
 * inventory row is: copies of the rest of it that a move has made, or not yet removed, count for nothing.
 *
 * The ledger and the commands are only ever appended to, so a block range index finds their newest rows at no cost to the writers.
 */
export class Migration20261124000000Slots extends Migration {
  override up(): void {
    this.addSql(`alter table cluster drop column shard_count`);
    this.addSql(`create function slot_of(key text) returns int language sql immutable strict parallel safe
      return (get_byte(sha256(convert_to(key, 'UTF8')), 2) & 3) * 256 + get_byte(sha256(convert_to(key, 'UTF8')), 3)`);
    this.addSql(`create table slot (
      slot smallint primary key check (slot between 0 and 1023), shard smallint not null, epoch bigint not null)`);
    this.addSql(`create table slot_map (single boolean primary key default true check (single), version bigint not null)`);
    this.addSql(`create table shard_url (shard smallint primary key, url text not null)`);
    this.addSql(`create table slot_move (
      slot smallint primary key, source smallint not null, target smallint not null, flipped boolean not null default false)`);
    this.addSql(`create table incoming (holder uuid primary key, slot smallint not null, version bigint not null)`);
    this.addSql(`create index incoming_slot on incoming (slot)`);
    this.addSql(`create index inventory_slot on inventory (slot_of(holder::text))`);
    this.addSql(`create index account_slot on account (slot_of(login))`);
    this.addSql(`create index ledger_at on ledger using brin (at)`);
    this.addSql(`create index command_at on command using brin (at)`);
  }

  override down(): void {
    this.addSql('drop index command_at, ledger_at, account_slot, inventory_slot');
    this.addSql('drop table incoming, slot_move, shard_url, slot_map, slot');
    this.addSql('drop function slot_of');
    this.addSql('alter table cluster add column shard_count smallint not null default 0');
  }
}
