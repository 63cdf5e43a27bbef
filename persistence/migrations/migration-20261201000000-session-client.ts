import { Migration } from '@mikro-orm/migrations';

/** Which client took the newest session, beside the epoch that it raised: whoever was displaced can ask by whom, whatever Redis knows. */
export class Migration20261201000000SessionClient extends Migration {
  override up(): void {
    this.addSql('alter table inventory add column session_client uuid');
  }

  override down(): void {
    this.addSql('alter table inventory drop column session_client');
  }
}
