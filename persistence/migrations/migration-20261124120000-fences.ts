import { Migration } from '@mikro-orm/migrations';

/** Leases that were taken from their processes: whoever writes by one is refused. Few, and kept. */
export class Migration20261124120000Fences extends Migration {
  override up(): void {
    this.addSql(`create table fenced (lease uuid primary key, at timestamptz not null default now())`);
  }

  override down(): void {
    this.addSql('drop table fenced');
  }
}
