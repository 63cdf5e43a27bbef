import type { ProcessSample } from '../../../schema/messages/ops.ts';
import { bytesText, delayText, numberText, shareText, spanText } from '../figures.ts';
import { liveTable, type LiveTable } from '../live-table.ts';

/** So long a stall is felt by players. */
const STALL_BAD_MS = 100;
const CPU_BAD = 0.9;

export function processTable(): LiveTable<ProcessSample> {
  return liveTable<ProcessSample>({
    label: 'Processes',
    testid: 'processes',
    keyOf: ({ processId }) => processId,
    none: 'No process said anything within half a minute.',
    columns: [
      { title: 'No.', text: ({ instance }) => String(instance) },
      { title: 'PID', isFigure: true, text: ({ pid }) => String(pid) },
      { title: 'Up for', isFigure: true, text: ({ at, startedAt }) => spanText(at - startedAt) },
      { title: 'Players', isFigure: true, text: ({ sessions }) => numberText(sessions) },
      { title: 'Sockets', isFigure: true, text: ({ clients }) => numberText(clients) },
      { title: 'Rooms', text: ({ rooms }) => roomsText(rooms) },
      { title: 'Queue', isFigure: true, text: ({ queue }) => numberText(queue) },
      { title: 'Loop delay p99', isFigure: true, text: ({ loopDelayP99Ms }) => delayText(loopDelayP99Ms), isBad: ({ loopDelayP99Ms }) => loopDelayP99Ms > STALL_BAD_MS },
      { title: 'Memory', isFigure: true, text: ({ rssBytes }) => bytesText(rssBytes) },
      { title: 'CPU', isFigure: true, text: ({ cpu }) => shareText(cpu), isBad: ({ cpu }) => cpu > CPU_BAD },
      { title: 'Redis', text: ({ redisUp }) => (redisUp ? 'up' : 'away'), isBad: ({ redisUp }) => !redisUp },
    ],
  });
}

function roomsText(rooms: ProcessSample['rooms']): string {
  const there = Object.entries(rooms).filter(([, count]) => count > 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return there.length === 0 ? 'none' : there.map(([name, count]) => `${name} ${numberText(count)}`).join(', ');
}
