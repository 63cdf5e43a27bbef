import type { ProcessSample } from '../../../schema/messages/ops.ts';
import { REFUSALS, type RefusalCode } from '../../../schema/refusals.ts';
import { numberText, rateText } from '../figures.ts';
import { liveTable } from '../live-table.ts';
import type { Rates } from '../rates.ts';

interface Row {
  code: string;
  total: number;
  perSecond: number | undefined;
}

/** How often the game said no, and by which of its rules. */
export function refusalTable(): { element: HTMLElement; update(processes: readonly ProcessSample[], rates: Rates | undefined): void } {
  const table = liveTable<Row>({
    label: 'Refusals',
    testid: 'refusals',
    keyOf: ({ code }) => code,
    none: 'Nothing was refused since the processes began.',
    columns: [
      { title: 'Code', text: ({ code }) => code },
      { title: 'Meaning', isProse: true, text: ({ code }) => REFUSALS[code as RefusalCode]?.text ?? '' },
      { title: 'Total', isFigure: true, text: ({ total }) => numberText(total) },
      { title: 'Now', isFigure: true, text: ({ perSecond }) => rateText(perSecond) },
    ],
  });
  return {
    element: table.element,
    update(processes, rates) {
      const totals = new Map<string, number>();
      for (const [code, count] of processes.flatMap((process) => Object.entries(process.totals.refusals))) totals.set(code, (totals.get(code) ?? 0) + count);
      const rows = [...totals].map(([code, total]) => ({ code, total, perSecond: rates?.refusalsPerSecond[code] }));
      table.update(rows.toSorted((a, b) => b.total - a.total || (a.code < b.code ? -1 : 1)));
    },
  };
}
