export { backOffMs, sleep } from './back-off.ts';
export { cell, type Cell } from './cell.ts';
export { newCommandId } from './command-id.ts';
export { AnswerLost, readFailure, Refused } from './failures.ts';
export { KeptSeats, type SeatStorage } from './kept-seats.ts';
export type { LinkStatus, RequestOptions } from './link-types.ts';
export { RoomLink } from './room-link.ts';
export { Servers, type ServersOptions } from './servers.ts';
export { StrongroomClient, type StrongroomOptions } from './strongroom-client.ts';
