/** What the Go peer (Nakama, one process on one PostgreSQL) came to with groups, measured on a machine of this kind before. */
export const PEER: { hot: PeerRate; many: PeerRate; listsPerSecond: number } = {
  /** Joins and leaves of one group, and of a hundred. */
  hot: { perSecond: 368, p99: 511 },
  many: { perSecond: 1_245 },
  /** Lists of a group of 100. */
  listsPerSecond: 788,
};

export interface PeerRate {
  perSecond: number;
  p99?: number;
}
