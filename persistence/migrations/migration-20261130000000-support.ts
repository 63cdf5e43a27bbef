import { Migration } from '@mikro-orm/migrations';

/**
 * What support does: accounts that are frozen, what must not be traded (on every shard, where each writer asks for it behind its
 * locks), players that were erased, and the audits that ran by schedule.
 */
export class Migration20261130000000Support extends Migration {
  override up(): void {
    this.addSql('alter table inventory add column frozen boolean not null default false');
    this.addSql('alter table player add column erased_at timestamptz');
    this.addSql('create index player_name on player (lower(name) text_pattern_ops)');
    this.addSql('create table pause (asset varchar(32) primary key, since timestamptz not null default now(), reason varchar(500) not null)');
    this.addSql(`create table audit_run (
      id uuid primary key, period varchar(64) not null unique, started_at timestamptz not null default now(), ended_at timestamptz, violations int, problems jsonb)`);
    this.addSql('create index audit_run_started on audit_run (started_at)');
  }

  override down(): void {
    this.addSql('drop table audit_run, pause');
    this.addSql('drop index player_name');
    this.addSql('alter table player drop column erased_at');
    this.addSql('alter table inventory drop column frozen');
  }
}
