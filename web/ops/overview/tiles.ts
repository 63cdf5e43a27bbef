import type { OpsState } from '../../../schema/messages/ops.ts';
import { el, setText } from '../../src/dom.ts';
import { countText, delayText, numberText, rateText, shareText } from '../figures.ts';
import { momentText } from '../moment.ts';
import type { Rates } from '../rates.ts';
import { auditOutcome } from './audit-card.ts';

interface Tile {
  name: string;
  label: string;
  text: (state: OpsState, rates: Rates | undefined) => string;
  under?: (state: OpsState, rates: Rates | undefined) => string;
  isBad?: (state: OpsState) => boolean;
}

const REDIS = { none: 'None', up: 'Up', away: 'Away' } as const;
const AUDIT = { none: 'None yet', running: 'Running', green: 'Green', red: 'Red' } as const;
const REDIS_UNDER = { none: 'one process needs none', up: 'all processes together', away: 'new rooms have to wait' } as const;
/** Scores are put into their sorted sets within a second; so much later something is wrong. */
const BOARD_LAG_BAD_MS = 10_000;

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const inDoubt = ({ shards }: OpsState): number => total(shards.map((shard) => shard.inDoubt));
const boardLag = ({ processes }: OpsState): number => Math.max(0, ...processes.map(({ boardLagMs }) => boardLagMs));

const TILES: readonly Tile[] = [
  { name: 'players', label: 'Players', text: ({ processes }) => numberText(total(processes.map(({ sessions }) => sessions))), under: ({ processes }) => `in ${countText(processes.length, 'process', 'processes')}` },
  { name: 'trades', label: 'Trades', text: (_, rates) => rateText(rates?.tradesPerSecond), under: ({ processes }) => `${numberText(total(processes.map(({ totals }) => totals.trades['settled'] ?? 0)))} settled` },
  { name: 'refusals', label: 'Refusals', text: (_, rates) => rateText(rates && total(Object.values(rates.refusalsPerSecond))), under: ({ processes }) => `${numberText(total(processes.flatMap(({ totals }) => Object.values(totals.refusals))))} in all` },
  { name: 'batch', label: 'Batch size', text: (_, rates) => numberText(rates?.batchSize), under: ({ processes }) => `${numberText(total(processes.map(({ queue }) => queue)))} waiting` },
  { name: 'wait', label: 'Queue wait', text: (_, rates) => delayText(rates?.queueWaitMs), under: (_, rates) => `commit ${delayText(rates?.commitMs)}` },
  { name: 'doubt', label: 'In doubt', text: (state) => numberText(inDoubt(state)), under: () => 'older than 5 s', isBad: (state) => inDoubt(state) > 0 },
  { name: 'redis', label: 'Redis', text: ({ redis }) => REDIS[redis], under: ({ redis }) => REDIS_UNDER[redis], isBad: ({ redis }) => redis === 'away' },
  { name: 'cache', label: 'Cache hits', text: (_, rates) => shareText(rates?.cacheHits), under: ({ processes }) => countText(total(processes.map(({ cachedInventories }) => cachedInventories)), 'inventory', 'inventories') },
  { name: 'lag', label: 'Board lag', text: (state) => delayText(boardLag(state)), under: () => 'the oldest score', isBad: (state) => boardLag(state) > BOARD_LAG_BAD_MS },
  { name: 'audit', label: 'Last audit', text: ({ audit }) => AUDIT[auditOutcome(audit)], under: ({ audit }) => (audit === null ? '' : momentText(audit.endedAt ?? audit.startedAt)), isBad: ({ audit }) => auditOutcome(audit) === 'red' },
];

/** The figures that one looks at first. */
export function tiles(): { element: HTMLElement; update(state: OpsState, rates: Rates | undefined): void } {
  const drawn = TILES.map((tile) => {
    const value = el('span', { class: 'tile-value', testid: `figure-${tile.name}` }, '–');
    const under = el('span', { class: 'tile-under' });
    return { tile, value, under, element: el('div', { class: 'stat' }, el('dt', {}, tile.label), el('dd', {}, value, under)) };
  });
  return {
    element: el('dl', { class: 'stats' }, ...drawn.map(({ element }) => element)),
    update(state, rates) {
      for (const { tile, value, under, element } of drawn) {
        setText(value, tile.text(state, rates));
        setText(under, tile.under?.(state, rates) ?? '');
        element.classList.toggle('stat-bad', tile.isBad?.(state) ?? false);
      }
    },
  };
}
