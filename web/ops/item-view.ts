import type { ItemId } from '../../schema/ids.ts';
import type { ItemFile } from '../../schema/messages/ops.ts';
import { el, type Child } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { countText } from './figures.ts';
import { holderLink, idText, tradeLink } from './links.ts';
import { momentElement } from './moment.ts';
import { titleOf } from './titles.ts';
import { facts, heading, loaded, section, type Loaded } from './view.ts';
import { reasonText, type Names } from './words.ts';

type Step = ItemFile['entries'][number];

/** Where an item came from, through whose hands it went, and who has it now. */
export function itemView(id: ItemId): Loaded {
  return loaded('Item', async () => {
    const file = await opsApi.item(id);
    const last = file.entries.at(-1);
    // The history does not say what it is; the record of its last step does, unless it is gone.
    const record = last === undefined ? undefined : await opsApi.trade(last.transactionId).catch(() => undefined);
    return { file, kind: record?.postings.find(({ item }) => item === id)?.kind ?? null };
  }, ({ file: { itemId, holder, entries, names }, kind }) => [
    heading(kind === null ? 'Item' : titleOf(kind)),
    section('Now', {}, facts([
      ['Id', idText(itemId)],
      ['Held by', holder === null ? 'nobody: it was destroyed' : holderLink(holder, names)],
      ['Changed hands', countText(entries.filter(({ giver, receiver }) => giver !== null && receiver !== null).length, 'time')],
    ])),
    section('History', {}, el('ol', { class: 'chain', testid: 'history' }, ...entries.map((step) => stepLine(step, names)))),
  ]);
}

function stepLine(step: Step, names: Names): HTMLElement {
  return el('li', {},
    el('p', { class: 'chain-what' }, ...sentence(step, names)),
    el('p', { class: 'quiet' }, momentElement(step.at), `, ${reasonText(step.reason).toLowerCase()}, transaction `, tradeLink(step.transactionId)));
}

function sentence({ giver, receiver }: Step, names: Names): Child[] {
  if (giver === null) return ['Made for ', receiver === null ? 'nobody' : holderLink(receiver, names)];
  if (receiver === null) return ['Destroyed, from ', holderLink(giver, names)];
  return [holderLink(giver, names), ' gave it to ', holderLink(receiver, names)];
}
