/** Figures of others that stand for themselves: they were taken before, on a machine of the same kind, and are not measured again. */
export interface Peer {
  name: string;
  source: string;
  figures: { what: string; value: number; unit: string; remark?: string }[];
  /** What was seen there that is no figure. */
  findings: string[];
}

export const PEERS: readonly Peer[] = [
  {
    name: 'Nakama 3.40',
    source: 'Measured by us, not in these runs: written in Go, on PostgreSQL with fsync on, two cores that the load generator shared.',
    figures: [
      { what: 'two versioned writes in one call', value: 1_939, unit: '/s' },
      { what: 'a trade between two owners with 1 item each', value: 1_442, unit: '/s', remark: 'no ledger' },
      { what: 'a trade between two owners with 100 items each', value: 335, unit: '/s', remark: 'no ledger' },
      { what: '64 workers on 10 hot items, those that succeed', value: 155, unit: '/s', remark: '90 % conflict' },
      { what: 'the same with its own retry helper', value: 459, unit: '/s' },
      { what: 'new account and session', value: 2_251, unit: '/s' },
      { what: 'login', value: 4_377, unit: '/s' },
      { what: 'an inventory of 100 items read', value: 2_373, unit: '/s' },
      { what: 'leaderboard, a score written', value: 2_630, unit: '/s', remark: '100,000 rows' },
      { what: 'leaderboard, the top 100', value: 1_074, unit: '/s', remark: '100,000 rows' },
      { what: 'leaderboard, the places around oneself', value: 1_596, unit: '/s', remark: '100,000 rows' },
      { what: 'joins and leaves of groups', value: 1_245, unit: '/s' },
      { what: 'joins and leaves of one hot group', value: 368, unit: '/s', remark: 'p99 511 ms' },
      { what: 'memory per idle socket', value: 50, unit: 'KiB' },
      { what: 'one match of 50 players at 20 Hz, messages delivered', value: 49_000, unit: '/s' },
    ],
    findings: ['Its versions are hashes of the content, so a stale write after A → B → A is accepted.'],
  },
  {
    name: 'Reldens',
    source: 'Tried by us: a game server on Colyseus.',
    figures: [],
    findings: ['A trade with the quantity −5 made goods.', 'A failure on the second leg of a trade lost 12 items.'],
  },
];
