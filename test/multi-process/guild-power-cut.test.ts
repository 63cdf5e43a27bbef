import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { assertAuditGreen, assertHolds } from '../kit/economy.ts';
import { ask, assertBank, foundGuild, joinSome, leaveAll, truthOf, type Member, type TestGuild } from '../kit/guild.ts';
import { MortalHost } from '../kit/mortal-host.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { commandId, service, until } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';

const MEMBERS = 6;
/** Nobody gives as much. */
const STOCK = 5_000;
const AWAY_MS = 500;
const FLOWS_MAX_MS = 30_000;
/** The answer says whether it happened. */
const REFUSED = new Set(['BUSY', 'INSUFFICIENT']);

/** One who puts a gold into the bank, or takes one out, on and on, and what it was told. */
interface Lane {
  member: Member;
  deed: 'deposit' | 'withdraw';
  answered: number;
  refused: number;
  unanswered: string[];
}

interface Scene {
  host: MortalHost;
  server: TestServer;
  guild: TestGuild;
}

async function cutUnderTraffic({ host, server, guild }: Scene): Promise<void> {
  const { id, leader, members } = guild;
  const before = (await truthOf(server, id))?.log.at(-1)?.seq ?? 0;
  // Who leads may take out what the others put in.
  const lanes = [leader, ...members].map((member, at): Lane => ({ member, deed: at === 0 ? 'withdraw' : 'deposit', answered: 0, refused: 0, unanswered: [] }));
  let stopping = false;
  const run = async (lane: Lane) => {
    for (; !stopping; await delay(5)) {
      const command = commandId();
      const outcome = await ask(lane.member.seat, `guild:${lane.deed}`, { fungibles: { gold: 1 } }, command);
      if (outcome === 'answered') lane.answered++;
      else if (REFUSED.has(outcome)) lane.refused++;
      else lane.unanswered.push(command);
    }
  };
  const flows = async (what: string) => {
    const so = lanes.map(({ answered }) => answered);
    await until(() => lanes.every(({ answered }, at) => answered >= (so[at] ?? 0) + 5), FLOWS_MAX_MS, what);
  };
  const running = lanes.map(run);
  try {
    await flows('the bank is used');
    await host.crash();
    await delay(AWAY_MS);
    await host.revive();
    await flows('the bank is used again');
  } finally {
    stopping = true;
    await Promise.all(running);
  }
  assert.ok(lanes.some(({ refused, unanswered }) => refused + unanswered.length > 0), 'somebody asked while PostgreSQL was away');
  await until(async () => (await host.prepared()).length === 0, FLOWS_MAX_MS, 'no transaction is left prepared');

  let [bank, lines] = [0, 0];
  for (const { member, deed, answered, unanswered } of lanes) {
    const outcomes = await Promise.all(unanswered.map((command) => member.room.request<unknown, { known: boolean }>('command:outcome', { commandId: command })));
    const done = answered + outcomes.filter(({ known }) => known).length;
    const gold = deed === 'deposit' ? -done : done;
    await assertHolds(server, member, { fungibles: { gold: STOCK + gold } }, `who asked for a ${deed}`);
    bank -= gold;
    lines += done;
  }
  await assertBank(server, id, { fungibles: { gold: bank } });
  assert.equal(((await truthOf(server, id))?.log.at(-1)?.seq ?? 0) - before, lines, 'a line in the log for each');
  await assertAuditGreen(server);
}

describe('PostgreSQL stops like by a power cut while a guild uses its bank', () => {
  let host: MortalHost;
  before(async () => {
    host = await MortalHost.start([0, 1, 2, 3].map((shard) => `guild_cut_${shard}`), { max_connections: 200 });
  });
  after(() => host?.stop());

  /** A server with a guild whose members have gold. */
  async function withScene(scenario: (scene: Scene) => Promise<void>, root?: string): Promise<void> {
    const server = await startServer({ env: { SHARD_URLS: host.urls.join(','), RESOLVER_INTERVAL_MS: '200' }, ...(root !== undefined && { root }) });
    try {
      const [founder, ...others] = await joinSome(server, MEMBERS);
      for (const { id } of [founder!, ...others]) await service(server).grant(id, { fungibles: { gold: STOCK } });
      const guild = await foundGuild(founder!, others);
      await scenario({ host, server, guild });
      await leaveAll([guild.leader, ...guild.members]);
    } finally {
      await server.stop();
    }
  }

  it('[CR4] [GA4] dupe 26: what was answered is there, what was refused is not, and all else is as its outcome says', () => withScene(cutUnderTraffic));

  // At last: the books are wrong then.
  it('dupe 26 goes red when the server is "commands-forgotten"', () =>
    withMutant('commands-forgotten', (root) => withScene((scene) => assertGoesRed(cutUnderTraffic(scene), /who asked for|the audit is red/), root)));
});
