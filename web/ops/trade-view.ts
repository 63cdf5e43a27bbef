import type { TransactionId } from '../../schema/ids.ts';
import type { TradeFile } from '../../schema/messages/ops.ts';
import { button, el } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { openDeed } from './deed-dialog.ts';
import { legCard, legLines, legsOf, turned } from './legs.ts';
import { idText } from './links.ts';
import { momentElement } from './moment.ts';
import { facts, heading, loaded, section, type Loaded } from './view.ts';
import { obstacleText, reasonText } from './words.ts';

/** The only kind of transaction that can be reversed. */
const TRADE = 'trade';

/** What one transaction moved, and whether that can be undone. */
export function tradeView(id: TransactionId): Loaded {
  const view = loaded('Transaction', () => opsApi.trade(id), (file) => [
    el('div', { class: 'view-head' }, heading(reasonText(file.reason)), ...standing(file, () => void view.reload())),
    section('Record', {}, facts([['Transaction', idText(file.transactionId)], ['Settled', momentElement(file.at)]])),
    section('What moved', {}, el('div', { class: 'legs' }, ...legsOf(file.postings).map((leg) => legCard(leg, file.names)))),
    reversal(file),
  ]);
  return view;
}

function standing(file: TradeFile, acted: () => void): HTMLElement[] {
  if (file.reversed !== null) return [el('span', { class: 'badge badge-warn', testid: 'reversed' }, 'Reversed')];
  if (file.reason !== TRADE || file.obstacles.length > 0) return [];
  return [button({ class: 'button button-danger aside', testid: 'reverse', press: () => reverse(file, acted) }, 'Reverse…')];
}

function reverse({ transactionId, postings, names }: TradeFile, acted: () => void): void {
  openDeed({
    key: `reverse:${transactionId}`,
    title: 'Reverse this trade',
    effects: [
      el('p', { class: 'quiet' }, 'All of this goes back at once, or nothing does. It cannot be undone.'),
      ...turned(legsOf(postings)).map((leg) => legLines(leg, names)),
    ],
    sure: 'Reverse the trade',
    isHarsh: true,
    names,
    // The trade itself is the command: it is reversed once, whoever asks.
    act: (_, reason) => opsApi.reverse(transactionId, reason),
    done: 'The trade is reversed.',
    acted,
  });
}

function reversal({ reason, reversed, obstacles, names }: TradeFile): HTMLElement {
  const title = 'Reversal';
  if (reversed !== null) return section(title, { testid: 'reversal' }, el('p', {}, 'Everything went back at ', momentElement(reversed.at), `: ${reversed.reason}`));
  if (reason !== TRADE) return section(title, { testid: 'reversal' }, el('p', { class: 'quiet' }, 'Only trades can be reversed.'));
  if (obstacles.length === 0) return section(title, { testid: 'reversal' }, el('p', {}, 'All of it is where the trade left it, so it can be reversed.'));
  return section(title, { testid: 'reversal' },
    el('p', {}, 'It cannot be reversed. This stands in the way:'),
    el('ul', { class: 'problems', testid: 'obstacles' }, ...obstacles.map((obstacle) => el('li', {}, obstacleText(obstacle, names)))));
}
