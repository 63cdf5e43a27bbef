import type { PlayerId } from '../../schema/ids.ts';
import type { PlayerDeed, PlayerFile } from '../../schema/messages/ops.ts';
import { button, el, type Child } from '../src/dom.ts';
import { opsApi } from './ask.ts';
import { openDeed } from './deed-dialog.ts';
import { numberText } from './figures.ts';
import { holdingSections } from './holdings-cards.ts';
import { idText, tradeLink } from './links.ts';
import { momentElement } from './moment.ts';
import { facts, heading, loaded, section, type Loaded } from './view.ts';
import { reasonText } from './words.ts';

/** All that support needs to know of a player, and the way to stop everything of value around it. */
export function playerView(id: PlayerId): Loaded {
  const view = loaded('Player', () => opsApi.player(id), (file) => [head(file, () => void view.reload()), el('div', { class: 'columns' }, profile(file), session(file)), ...holdingSections(file.player), deeds(file.deeds)]);
  return view;
}

function head(file: PlayerFile, acted: () => void): HTMLElement {
  const { frozen, player: { name } } = file;
  return el('div', { class: 'view-head' },
    heading(name),
    frozen && el('span', { class: 'badge badge-bad', testid: 'frozen' }, 'Frozen'),
    button({ class: `button aside ${frozen ? '' : 'button-danger'}`, testid: frozen ? 'thaw' : 'freeze', press: () => openDeed(freezing(file, acted)) }, frozen ? 'Thaw…' : 'Freeze…'));
}

function freezing({ frozen, player: { id, name } }: PlayerFile, acted: () => void) {
  const to = !frozen;
  const effect = to ? 'Nothing of value leaves this account or enters it until it is thawed: no trade, no grant, no gathering, no guild bank. The player may still sign in and look.' : 'Value moves to and from this account again.';
  return {
    key: `${to ? 'freeze' : 'thaw'}:${id}`,
    title: `${to ? 'Freeze' : 'Thaw'} ${name}`,
    effects: [el('p', { class: 'quiet' }, effect)],
    sure: to ? 'Freeze the account' : 'Thaw the account',
    isHarsh: to,
    act: (commandId: Parameters<Parameters<typeof openDeed>[0]['act']>[0], reason: string) => opsApi.freeze(id, { commandId, frozen: to, reason }),
    done: `${name} is ${to ? 'frozen' : 'thawed'}.`,
    acted,
  };
}

function profile({ player, hasLogin, createdAt }: PlayerFile): HTMLElement {
  return section('Profile', {}, facts([
    ['Id', idText(player.id)],
    ['Region', player.region],
    ['Level', `${numberText(player.level)}, ${numberText(player.xp)} XP`],
    ['Signs in', hasLogin ? 'with an e-mail' : 'as a guest'],
    ['Made', momentElement(createdAt)],
    ['Guild', player.guildId === null ? 'none' : idText(player.guildId)],
    ['Lives on', `shard ${player.shard}, slot ${player.slot}`],
    ['Inventory version', numberText(player.inventoryVersion)],
  ]));
}

function session({ session }: PlayerFile): HTMLElement {
  if (session === null) return section('Session', { testid: 'session' }, el('p', { class: 'quiet' }, 'Not playing at the moment.'));
  return section('Session', { testid: 'session' }, facts([
    ['Since', momentElement(session.takenAt)],
    ['Process', idText(session.processId)],
    ['Room', idText(session.roomId)],
    ['Epoch', numberText(session.epoch)],
  ]));
}

function deeds(list: readonly PlayerDeed[]): HTMLElement {
  const line = ({ transactionId, reason, at }: PlayerDeed): Child => el('li', {}, momentElement(at), el('span', {}, reasonText(reason)), tradeLink(transactionId, 'Record', el('span', { class: 'sr-only' }, ` of ${reasonText(reason)}`)));
  return section('Recent deeds', { testid: 'deeds' }, list.length === 0 ? el('p', { class: 'quiet' }, 'It moved nothing of value yet.') : el('ol', { class: 'lines deeds' }, ...list.map(line)));
}
