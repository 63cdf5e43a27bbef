import type { Room } from '@colyseus/sdk';
import type { CommandId } from '../../schema/ids.ts';
import type { CommandOutcomeAnswer } from '../../schema/messages/player.ts';
import type { RefusalCode } from '../../schema/refusals.ts';
import type { RoomName, Rooms } from '../../schema/rooms.ts';
import type { LinkEnd } from './failures.ts';

/** Where one room of the player stands. Only `live` takes requests at once. */
export type LinkStatus =
  | { kind: 'idle' }
  | { kind: 'joining'; attempt: number }
  | { kind: 'live' }
  | { kind: 'dropped' }
  | { kind: 'replaced' }
  | { kind: 'gone'; code?: RefusalCode | undefined }
  | { kind: 'lost' }
  | { kind: 'closed' };

export const ENDS: ReadonlySet<string> = new Set<LinkEnd>(['replaced', 'gone', 'lost', 'closed']);

export type State<Name extends RoomName> = Rooms[Name]['state'];
export type Requests<Name extends RoomName> = Rooms[Name]['requests'];
/** The command id is made here unless the caller has one. */
export type Payload<Asked> = Asked extends { payload: infer Body } ? (Body extends { commandId: unknown } ? Omit<Body, 'commandId'> & { commandId?: string } : Body) : never;
export type Answer<Asked> = Asked extends { answer: infer Reply } ? Reply : never;

export interface RequestOptions {
  /** After which it throws `AnswerLost`. */
  deadlineMs?: number;
  /** How long one sending waits for its answer. */
  answerMs?: number;
}

export interface RoomLinkOptions<Name extends RoomName> {
  join: () => Promise<Room<unknown, State<Name>>>;
  reconnect: (reconnectionToken: string) => Promise<Room<unknown, State<Name>>>;
  /** Of a seat from before this link. */
  reconnectionToken?: string | undefined;
  /** Asks what became of a command. */
  outcome: (commandId: CommandId, withinMs: number) => Promise<CommandOutcomeAnswer>;
  /** Closed as displaced: whether by a session of our own, so that the seat is to be taken again. Without it, it never is. */
  isOurs?: () => Promise<boolean>;
  /** The server does not know the token, or could not look it up; joining goes on until the owner closes the link. */
  unauthenticated?: (() => void) | undefined;
  /** An answer did not come in time: whether the connections are still there is to be looked at. */
  onSilence?: (() => void) | undefined;
  /** After so many failed joins in a row it stops and says `lost`. */
  joinsMax?: number | undefined;
}
