import type { Cell } from '../client/index.ts';
import { bankMove } from './bank-move.ts';
import { button, el } from './dom.ts';
import type { GuildPanel } from './guild-panel.ts';
import type { GuildSession } from './guild-session.ts';
import type { PlayerView } from './player-view.ts';

type Side = 'bank' | 'own';

/** What the guild holds together, and the two ways of things: out of it, and into it. */
export function guildBank(guild: GuildSession, player: Cell<PlayerView | undefined>): GuildPanel {
  const moves = {
    bank: bankMove({
      kind: 'withdraw', title: 'In the bank', heading: 'You take out', action: 'Take out', busy: 'Taking out…', done: 'Taken out of the bank.',
      nothing: 'The bank is empty. What members put in shows up here.', unchosen: 'Choose what you take out.',
      held: () => guild.view.get()?.bank,
      send: (move) => guild.request('guild:withdraw', move),
    }),
    own: bankMove({
      kind: 'deposit', title: 'Your inventory', heading: 'You put in', action: 'Put in', busy: 'Putting in…', done: 'Put into the bank.',
      nothing: 'You hold nothing yet.', unchosen: 'Choose what you put in.',
      held: () => player.get(),
      send: (move) => guild.request('guild:deposit', move),
    }),
  };
  const tabs = {
    bank: button({ class: 'tab', testid: 'bank-out', press: () => choose('bank') }, 'Take out'),
    own: button({ class: 'tab', testid: 'bank-in', press: () => choose('own') }, 'Put in'),
  };
  choose('bank');
  return {
    element: el('div', { class: 'bank' },
      el('div', { class: 'bank-ways', role: 'group', 'aria-label': 'Which way' }, tabs.bank, tabs.own),
      moves.bank.element, moves.own.element),
    show() {
      for (const move of Object.values(moves)) move.show();
    },
  };

  function choose(side: Side): void {
    for (const each of ['bank', 'own'] as const) {
      tabs[each].ariaPressed = String(each === side);
      moves[each].element.hidden = each !== side;
    }
  }
}
