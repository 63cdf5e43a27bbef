import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROFILES, ProfileError, readProfile } from '../../loadtest/load/profile.ts';
import { Recorder } from '../../loadtest/load/recorder.ts';
import { thirds, violationsOf } from '../../loadtest/load/verdict.ts';
import type { RequestTotals, Second } from '../../loadtest/reporting/record.ts';
import { loadRecord } from '../kit/load-records.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const SECONDS_LONG = 900;

/** A second of one server process. */
function second(atS: number, { residentMb = 200, heapMb = 80, handles = 100, redisKeys = 500 } = {}): Second {
  return { atS, online: 10, requests: {}, cpu: { servers: 0.5, database: 0.2, redis: 0, bots: 0.3 }, processes: { 'process 0': { residentMb, heapMb, handles, loopDelayP99Ms: 12 } }, patchBytesPerPlayer: 900, redisKeys, prepared: 0 };
}

function asked(kind: string, { refusals = {}, failures = {} }: Partial<Pick<RequestTotals, 'refusals' | 'failures'>>): RequestTotals {
  return { kind, answered: 100, refused: 0, failed: 0, p50: 1, p95: 2, p99: 3, max: 4, perSecond: 10, refusals, failures };
}

describe('the verdict on a load run', () => {
  const { settings } = loadRecord();
  const fine = { requests: [asked('gather', {})], audit: [{ invariant: 'A', holds: true }], seconds: [], faults: [], settings: { ...settings, durationS: 60 }, left: 0 };

  it('is that all is well, when it is', () => assert.deepEqual(violationsOf(fine), []));

  it('names what nobody provoked, and what did not answer', () => {
    const requests = [asked('gather', { refusals: { NOT_READY: 7, INTERNAL: 1 } }), asked('trade:offer', { refusals: { NOT_OWNER: 1, NOT_READY: 3 }, failures: { 'no answer': 2 } })];
    assert.deepEqual(violationsOf({ ...fine, requests }), ['gather: 1 times INTERNAL', 'trade:offer: 3 times NOT_READY', 'trade:offer: 2 times no answer']);
  });

  it('lets a killed process refuse and not answer, but not break anything', () => {
    const requests = [asked('gather', { refusals: { BUSY: 7, INTERNAL: 1 }, failures: { 'no answer': 2 } })];
    assert.deepEqual(violationsOf({ ...fine, requests, faults: [{ atS: 30, what: 'kill -9 of process 0' }] }), ['gather: 1 times INTERNAL']);
  });

  it('names a red invariant, and what is left prepared', () => {
    assert.deepEqual(violationsOf({ ...fine, audit: [{ invariant: 'C: the ledger folds to the holdings', holds: false }], left: 2 }), ['the audit is red: C: the ledger folds to the holdings', '2 transactions are still prepared']);
  });

  it('names what grows in a long run, by its second third and its last, and nothing that only warms up', () => {
    const long = (of: (atS: number) => Second) => violationsOf({ ...fine, settings: { ...settings, durationS: SECONDS_LONG }, seconds: Array.from({ length: SECONDS_LONG }, (_, atS) => of(atS)) });
    assert.deepEqual(long((atS) => second(atS, { residentMb: 100 + 100 * Math.min(1, atS / 300) })), []);
    const grown = long((atS) => second(atS, { residentMb: 200 + atS / 10, handles: 100 + atS, redisKeys: 500 + 2 * atS }));
    assert.deepEqual(grown.map((line) => line.split(' grow')[0]), ['memory of the server processes', 'handles of the server processes', 'keys in Redis']);
    assert.deepEqual(violationsOf({ ...fine, seconds: [second(1), second(2), second(3, { handles: 9_999 })] }), [], 'a short run is not judged by it');
    assert.deepEqual(thirds([9, 9, 9, 1, 2, 3, 4, 5, Number.NaN, 6]), { second: 2, last: 5 });
  });
});

describe('what a load run records', () => {
  it('counts each second and all of it, by kind', () => {
    const recorder = new Recorder();
    recorder.take({ move: { answeredMs: [1, 3, 2], refused: {}, failed: {} } });
    recorder.take({ move: { answeredMs: [4], refused: { BUSY: 2 }, failed: { 'no answer': 1 } } });
    recorder.close(second(1));
    recorder.take({ move: { answeredMs: [10], refused: { BUSY: 1 }, failed: {} } });
    recorder.close(second(2));
    recorder.close(second(3));
    assert.deepEqual(recorder.seconds.map(({ requests }) => requests), [
      { move: { answered: 4, refused: 2, failed: 1, p50: 3, p95: 4, p99: 4, max: 4 } },
      { move: { answered: 1, refused: 1, failed: 0, p50: 10, p95: 10, p99: 10, max: 10 } },
      {},
    ]);
    assert.deepEqual(recorder.totals(5), [{ kind: 'move', answered: 5, refused: 3, failed: 1, p50: 3, p95: 10, p99: 10, max: 10, perSecond: 1, refusals: { BUSY: 3 }, failures: { 'no answer': 1 } }]);
  });
});

describe('profiles of load runs', () => {
  it('are read by name, and the command line changes what it may', () => {
    const profile = readProfile('mixed', { bots: 7, durationS: undefined as never });
    assert.deepEqual([profile.bots, profile.durationS, profile.mix.trade], [7, 300, 15]);
    for (const name of ['mixed', 'kills', 'soak', 'short']) assert.ok(readProfile(name).bots > 0, name);
  });

  it('are refused in one line when they are not there, not right, or do nothing', () => {
    const { folder, remove } = temporaryFolder();
    try {
      const file = path.join(folder, 'profiles.yaml');
      writeFileSync(file, 'idle: { bots: 5, durationS: 10, arriveS: 1, everyMs: 100, processes: 1, mix: {} }\nodd: { bots: 0, durationS: 10, arriveS: 1, everyMs: 100, processes: 1, mix: { dance: 1 } }\n');
      const refused = (name: string, of = file) => {
        try {
          readProfile(name, {}, of);
        } catch (error) {
          assert.ok(error instanceof ProfileError);
          return error.message;
        }
        return 'taken';
      };
      assert.match(refused('none', PROFILES), /^There is no profile "none": name one of mixed, kills, soak, short\.$/);
      assert.match(refused('toString', PROFILES), /^There is no profile/);
      assert.match(refused('idle'), /^The profile "idle" has nothing to do: /);
      assert.match(refused('odd'), /^The profile "odd" is not right: bots: .*; mix: /);
    } finally {
      remove();
    }
  });
});
