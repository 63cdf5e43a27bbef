/** What the Go peer (Nakama, one process on one PostgreSQL) came to with leaderboards, measured on a machine of this kind before. */
export const PEER = { submitsPerSecond: 2_630, topsPerSecond: 1_074, placesPerSecond: 1_596 };
