import { Migration } from '@mikro-orm/migrations';

/**
 * Leaderboards. A player's score of a season that is open, and the place in every season that is closed, are on the player's
 * shard; which season of a board is open stands on every shard, and the first one decides. What the game counts of a player is
 * counted where the movement raises a row anyway: trades in `inventory`, what was gathered in `player`. A score remembers how much
 * of that it has in it.
 */
export class Migration20261129000000Leaderboards extends Migration {
  override up(): void {
    this.addSql('alter table inventory add column traded bigint not null default 0');
    this.addSql('alter table player add column gathered bigint not null default 0');
    this.addSql(`update inventory i set traded = t.trades from (
      select holder, count(distinct transaction_id) as trades from (
        select receiver as holder, transaction_id from ledger where reason = 'trade'
        union all select giver, transaction_id from ledger where reason = 'trade') l group by 1) t where t.holder = i.holder`);
    this.addSql(`update player p set gathered = g.gathered from (
      select receiver, sum(quantity) as gathered from ledger where reason = 'gather' and asset is not null group by 1) g where g.receiver = p.id`);
    this.addSql(`create table season (
      board varchar(32) not null, number int not null check (number > 0), started_at timestamptz not null default now(), ends_at timestamptz,
      closed_at timestamptz, archived_at timestamptz, players bigint, primary key (board, number))`);
    this.addSql('create unique index season_open on season (board) where closed_at is null');
    this.addSql(`create table score (
      player uuid not null, board varchar(32) not null, season int not null, region varchar(32) not null,
      value bigint not null constraint score_bounds check (value between -9007199254740991 and 9007199254740991),
      counted bigint not null default 0, version bigint not null default 1, changed_at timestamptz not null default now(),
      primary key (player, board, season)) with (fillfactor = 80)`);
    this.addSql(`create table score_result (
      player uuid not null, board varchar(32) not null, season int not null, region varchar(32) not null, value bigint not null,
      counted bigint not null, rank bigint not null, region_rank bigint not null, at timestamptz not null default now(),
      primary key (player, board, season))`);
    // Every rank is above 0, and only who says so is served by this index: who looks for one player's place would else, by a plan that was
    // made while there were none, read a whole season for it.
    this.addSql('create index score_result_rank on score_result (board, season, rank) where rank > 0');
    this.addSql('create index score_result_at on score_result using brin (at)');
  }

  override down(): void {
    this.addSql('drop table score_result, score, season');
    this.addSql('alter table player drop column gathered');
    this.addSql('alter table inventory drop column traded');
  }
}
