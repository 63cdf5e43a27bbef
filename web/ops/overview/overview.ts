import type { OpsState } from '../../../schema/messages/ops.ts';
import { el, setText } from '../../src/dom.ts';
import { momentText } from '../moment.ts';
import { RateWindow } from '../rates.ts';
import type { StateWatch } from '../state-watch.ts';
import { heading, section, type View } from '../view.ts';
import { auditCard } from './audit-card.ts';
import { chartGrid } from './chart-grid.ts';
import { faultList } from './fault-list.ts';
import { processTable } from './process-table.ts';
import { refusalTable } from './refusal-table.ts';
import { shardTable } from './shard-table.ts';
import { tiles } from './tiles.ts';

/** How the whole server is: figures of now, the last hour, and what went wrong. */
export function overview(watch: StateWatch): View {
  const rates = new RateWindow();
  const updated = el('p', { class: 'quiet updated', testid: 'updated' }, 'Loading…');
  const [figures, processes, shards, refusals, audit, faults, charts] = [tiles(), processTable(), shardTable(), refusalTable(), auditCard(), faultList(), chartGrid()];
  let shown: OpsState | undefined;
  const unwatch = watch.watch(({ state, answeredAt }) => {
    if (state === undefined || answeredAt === undefined || state === shown) return;
    shown = state;
    const rate = rates.add(state.processes);
    setText(updated, `Updated ${momentText(answeredAt)}`);
    figures.update(state, rate);
    processes.update(state.processes);
    shards.update(state.shards);
    refusals.update(state.processes, rate);
    audit.update(state.audit);
    faults.update(state.faults);
  });
  return {
    title: 'Overview',
    element: el('div', { class: 'view' },
      el('div', { class: 'view-head' }, heading('Overview'), updated, el('a', { href: '/monitor/', class: 'aside' }, 'Colyseus monitor')),
      figures.element,
      section('Processes', {}, processes.element),
      el('div', { class: 'columns' }, section('Shards', {}, shards.element), audit.element),
      charts.element,
      el('div', { class: 'columns' }, section('Refusals', {}, refusals.element), section('Recent faults', {}, faults.element))),
    close() {
      unwatch();
      charts.close();
    },
  };
}
