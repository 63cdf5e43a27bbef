import assert from 'node:assert/strict';
import { assertHolds, assertShown, runAudit } from '../kit/economy.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import { commandId, join, service, type TestPlayer } from '../kit/player.ts';
import { startServer, type StartOptions, type TestServer } from '../kit/server.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';
import { joinZone, sitDown, trade } from '../kit/trade.ts';

const SHOWN_WITHIN_MS = 200;

interface Story {
  dataDir: string;
  /** Whether the rooms are looked at between the answer and the kill. */
  look: boolean;
  options?: StartOptions;
}

/** Two strangers, one gathers, one is rich; they trade; the server dies with the answer; it starts again on its data. */
async function killedAfterAnswer({ dataDir, look, options = {} }: Story): Promise<void> {
  let server: TestServer | undefined;
  try {
    server = await startServer({ ...options, dataDir });
    const [rich, gatherer] = [await join(server.url, 'Rich'), await join(server.url, 'Gatherer')];
    const [sword = ''] = await service(server).grant(rich.id, { fungibles: { gold: 120 }, items: [{ kind: 'sword', attributes: { edge: 'keen' } }] });
    const ore = await gatherOre(gatherer);
    const table = await sitDown(rich, gatherer);

    await trade(table, { items: [sword], fungibles: { gold: 50 } }, { fungibles: { ore } });
    if (look) await Promise.all([rich, gatherer].map((player) => assertShown(server as TestServer, player, SHOWN_WITHIN_MS)));
    await server.kill('SIGKILL');

    server = await startServer({ dataDir });
    await assertHolds(server, rich, { fungibles: { gold: 70, ore } }, 'who was rich');
    await assertHolds(server, gatherer, { fungibles: { gold: 50 }, items: [sword] }, 'who gathered');
    const { status, output } = await runAudit(dataDir);
    assert.equal(status, 0, output);
    assert.match(output, /audit: green/);
  } finally {
    await server?.kill('SIGKILL');
  }
}

async function gatherOre(player: TestPlayer): Promise<number> {
  const zone = await joinZone(player);
  const { asset, quantity } = await zone.request<unknown, { asset: string; quantity: number }>('gather', { commandId: commandId(), nodeId: 'ore-1' });
  assert.equal(asset, 'ore');
  return quantity;
}

describe('killed with -9 right after the answer', () => {
  const { folder: dataDir, remove } = temporaryDataFolder('databases');
  after(remove);

  it('[DS7] both rooms show the trade within 200 ms of the answer, and after the kill and a restart it is there', async () => {
    await killedAfterAnswer({ dataDir, look: true });
  });

  it('what was answered is there after the restart', async () => {
    await killedAfterAnswer({ dataDir, look: false });
  });

  it('goes red when the answer comes before the commit', async () => {
    await withMutant('answers-first', (root) => assertGoesRed(killedAfterAnswer({ dataDir, look: false, options: { root } }), /who was rich holds/));
  });
});
