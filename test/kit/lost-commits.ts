import { onFirstShard } from './seasons.ts';
import { until } from './player.ts';

const AT_LEAST = 2;

/**
 * Until something has come about, commits are done and their answers lost with their connections, on all databases of the host: each waits
 * for a standby that there is not, and the backend that waits is ended.
 * @see PostgreSQL manual, 26.2.8 Synchronous Replication
 */
export async function loseCommits({ shards }: { shards: string }, isEnough: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  await onFirstShard({ shards }, async (query) => {
    const waitForStandby = async (name: string) => {
      await query(`alter system set synchronous_standby_names = '${name}'`);
      await query('select pg_reload_conf()');
      await until(async () => (await query<{ name: string }>(`select current_setting('synchronous_standby_names') as name`))[0]?.name === name, withinMs, 'the setting is in force');
    };
    let lost = 0;
    await waitForStandby('nobody');
    try {
      const end = async () => (lost += (await query(`select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`)).length);
      await until(async () => (await end()) >= AT_LEAST && (await isEnough()), withinMs, 'the answers of commits are lost');
    } finally {
      await waitForStandby('');
    }
  });
}
