import { Migration } from '@mikro-orm/migrations';

/**
 * The first shape of a shard. `fillfactor` 50 leaves room for in-place (HOT) updates of the busy rows; the checks
 * are the last guard of the bounds that the code holds before them.
 */
export class Migration20261122000000First extends Migration {
  override up(): void {
    this.addSql(`create table cluster (id uuid primary key, shard smallint not null, shard_count smallint not null)`);
    this.addSql(`create table player (
      id uuid primary key, slot smallint not null check (slot between 0 and 1023), name varchar(24) not null,
      region varchar(32) not null, level int not null default 1, xp bigint not null default 0, guild_id uuid,
      login varchar(320), created_at timestamptz not null default now())`);
    this.addSql(`create index player_slot on player (slot)`);
    this.addSql(`create table account (
      login varchar(320) primary key, password_hash text not null, player_id uuid not null,
      created_at timestamptz not null default now())`);
    this.addSql(`create table inventory (
      holder uuid primary key, version bigint not null default 0 check (version >= 0),
      session_epoch bigint not null default 0) with (fillfactor = 50)`);
    this.addSql(`create table balance (
      holder uuid not null, asset varchar(32) not null,
      quantity bigint not null constraint balance_bounds check (quantity between 0 and 9007199254740991),
      primary key (holder, asset)) with (fillfactor = 50)`);
    this.addSql(`create table item (
      id uuid primary key, holder uuid not null, kind varchar(32) not null, attributes jsonb not null default '{}',
      version int not null check (version >= 1), bound boolean not null default false) with (fillfactor = 50)`);
    this.addSql(`create index item_holder on item (holder)`);
    this.addSql(`create table ledger (
      transaction_id uuid not null, seq smallint not null, reason varchar(32) not null,
      at timestamptz not null default now(), asset varchar(32), item uuid, item_version int,
      quantity bigint not null check (quantity >= 1), giver uuid, receiver uuid,
      primary key (transaction_id, seq),
      check ((asset is null) <> (item is null)), check ((item is null) = (item_version is null)),
      check (giver is not null or receiver is not null), check (giver is distinct from receiver))`);
    // One row per version of an item: a second history of the same item cannot be written.
    this.addSql(`create unique index ledger_item on ledger (item, item_version) where item is not null`);
    this.addSql(`create table command (
      actor uuid not null, id uuid not null, hash bytea not null, answer jsonb not null, transaction_id uuid,
      at timestamptz not null default now(), primary key (actor, id))`);
    this.addSql(`create table decision (
      transaction_id uuid primary key, outcome varchar(6) not null check (outcome in ('commit', 'abort')),
      at timestamptz not null default now())`);
  }

  override down(): void {
    this.addSql('drop table decision, command, ledger, item, balance, inventory, account, player, cluster');
  }
}
