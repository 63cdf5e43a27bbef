import type { ShardState } from '../../../schema/messages/ops.ts';
import { bytesText, numberText } from '../figures.ts';
import { liveTable, type LiveTable } from '../live-table.ts';

/** Of a shard that is away nothing else is known. */
const known = (text: (shard: ShardState) => string) => (shard: ShardState) => (shard.up ? text(shard) : '–');

export function shardTable(): LiveTable<ShardState> {
  return liveTable<ShardState>({
    label: 'Shards',
    testid: 'shards',
    keyOf: ({ shard }) => String(shard),
    none: 'No shard is known yet.',
    columns: [
      { title: 'Shard', text: ({ shard }) => String(shard) },
      { title: 'State', text: ({ up }) => (up ? 'up' : 'away'), isBad: ({ up }) => !up },
      { title: 'Slots', isFigure: true, text: known(({ slots }) => numberText(slots)) },
      { title: 'Players, about', isFigure: true, text: known(({ players }) => numberText(players)) },
      { title: 'Size', isFigure: true, text: known(({ bytes }) => bytesText(bytes)) },
      { title: 'Connections', isFigure: true, text: known(({ connections }) => numberText(connections)) },
      { title: 'In doubt', isFigure: true, text: known(({ inDoubt }) => numberText(inDoubt)), isBad: ({ inDoubt }) => inDoubt > 0 },
    ],
  });
}
