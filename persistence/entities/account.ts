import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';

/** A way in, on the shard of its login name's slot; points to its player on whatever shard that is. */
export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    login: p.string().length(320).primary(),
    passwordHash: p.text(),
    playerId: p.uuid(),
    createdAt: p.datetime().defaultRaw('now()'),
  },
});
export type Account = InferEntity<typeof Account>;
