import { defineEntity, p } from '@mikro-orm/postgresql';

/** One row in every shard: which cluster it belongs to and which of its shards it is. */
export const Cluster = defineEntity({
  name: 'Cluster',
  tableName: 'cluster',
  properties: {
    id: p.uuid().primary(),
    shard: p.smallint(),
  },
});
