import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { service } from '../kit/player.ts';
import { startServer, type TestServer } from '../kit/server.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';
import { openGateway } from './gateway.ts';
import { CHROMIUM, openBrowser, PlayerPage, type PageOptions } from './pages.ts';

export interface Stage {
  browser: Browser;
  /** The server of the whole suite; a test that kills one starts its own. */
  server: TestServer;
}

/**
 * Mocha hooks for a suite that needs a browser and a server. Without Chromium the suite is pending, not failed: the
 * game needs no browser on the machine that serves it.
 */
export function setStage(env: Record<string, string> = {}): Stage {
  const stage = {} as Stage;
  before(async function () {
    if (!existsSync(CHROMIUM)) this.skip();
    stage.server = await startServer({ env });
    stage.browser = await openBrowser();
  });
  after(async () => {
    await stage.browser?.close();
    await stage.server?.stop();
  });
  return stage;
}

export type Holdings = Parameters<ReturnType<typeof service>['grant']>[1];

export interface Pair {
  seller: PlayerPage;
  buyer: PlayerPage;
  sellerId: string;
  buyerId: string;
}

/** Two guests who were granted something each, which both pages show. */
export async function openPair(browser: Browser, server: Pick<TestServer, 'url' | 'serviceKey'>, held: { seller: Holdings; buyer: Holdings }, options: PageOptions = {}): Promise<Pair> {
  const [seller, buyer] = await Promise.all([PlayerPage.open(browser, server.url, options), PlayerPage.open(browser, server.url, options)]);
  const [sellerId, buyerId] = await Promise.all([seller.playAsGuest(), buyer.playAsGuest()]);
  const { grant } = service(server);
  await Promise.all([grant(sellerId, held.seller), grant(buyerId, held.buyer)]);
  for (const side of [seller, buyer]) await side.get('inventory').getByRole('button').first().waitFor({ state: 'attached' });
  return { seller, buyer, sellerId, buyerId };
}

export interface Restarts {
  /** Stays the same while the servers behind it come and go. */
  url: string;
  /** The server that runs at present. */
  server: () => TestServer;
  /** Breaks all connections; the server lives. */
  cut: () => void;
  /** Starts it again on the same data, once it has died. */
  restart: () => Promise<void>;
}

/** A server of its own, at an address that survives it. */
export async function withRestarts(play: (restarts: Restarts) => Promise<void>, env: Record<string, string> = {}): Promise<void> {
  const data = temporaryDataFolder('databases');
  let current = await startServer({ dataDir: data.folder, env });
  const gateway = await openGateway(current.port);
  try {
    await play({
      url: gateway.url,
      server: () => current,
      cut: gateway.cut,
      async restart() {
        await current.exited;
        current = await startServer({ dataDir: data.folder });
        gateway.pointTo(current.port);
      },
    });
  } finally {
    await gateway.close();
    await current.stop();
    data.remove();
  }
}
