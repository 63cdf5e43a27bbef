import { Migration } from '@mikro-orm/migrations';

/**
 * Guilds. A guild, its members, its withdrawals and its log are on the shard of its own id, and so is its bank, which is a
 * holder like any other; `player.guild_id` is the one membership that a player can have. An invitation is on the shard of
 * who is invited. A name or tag is a row on the shard of its own slot, so that no two guilds have it. A guild that was
 * disbanded keeps its row and its log: its bank has a ledger. A bank's session epoch is -1, by which it is told from a player.
 */
export class Migration20261128000000Guilds extends Migration {
  override up(): void {
    this.addSql(`create table guild (
      id uuid primary key, slot smallint not null check (slot between 0 and 1023), name varchar(32) not null, tag varchar(8) not null,
      motd varchar(500) not null default '', version bigint not null default 1, logged bigint not null default 0,
      created_at timestamptz not null default now(), disbanded_at timestamptz) with (fillfactor = 50)`);
    this.addSql(`create index guild_slot on guild (slot)`);
    this.addSql(`create table guild_member (
      guild uuid not null, player uuid not null, rank varchar(7) not null check (rank in ('leader', 'officer', 'member')),
      joined_at timestamptz not null default now(), primary key (guild, player))`);
    // At most one leader, whatever the code does; that there is one the audit says.
    this.addSql(`create unique index guild_leader on guild_member (guild) where rank = 'leader'`);
    this.addSql(`create table guild_withdrawal (
      guild uuid not null, player uuid not null, day date not null, taken jsonb not null, primary key (guild, player))`);
    this.addSql(`create table guild_log (
      guild uuid not null, seq bigint not null, at timestamptz not null default now(), event varchar(8) not null,
      actor uuid not null, actor_name varchar(24) not null, subject uuid, subject_name varchar(24), details jsonb not null,
      primary key (guild, seq))`);
    this.addSql(`create index guild_log_at on guild_log using brin (at)`);
    this.addSql(`create table guild_invitation (
      player uuid not null, guild uuid not null, name varchar(32) not null, tag varchar(8) not null, inviter uuid not null,
      at timestamptz not null default now(), primary key (player, guild))`);
    this.addSql(`create index guild_invitation_slot on guild_invitation (slot_of(player::text))`);
    this.addSql(`create table guild_name (key text primary key, guild uuid not null)`);
    this.addSql(`create index guild_name_slot on guild_name (slot_of(key))`);
  }

  override down(): void {
    this.addSql('drop table guild_name, guild_invitation, guild_log, guild_withdrawal, guild_member, guild');
  }
}
