import type { FaultPoint } from '../../persistence/index.ts';
import { crashAt, prepareSite, type CrashSite } from '../kit/crash.ts';
import { assertGoesRed, withMutant } from '../kit/mutant.ts';
import type { MutationName } from '../kit/mutations.ts';
import { temporaryDataFolder } from '../kit/data-folder.ts';

const HALF = /neither both legs nor none/;

/** The crash scenario of crash-points.test.ts must fail when a guard of the two-phase commit is gone. */
describe('negative controls of dupe 1 and dupe 3', () => {
  const { folder, remove } = temporaryDataFolder('databases');
  let site: CrashSite;
  before(async () => {
    site = await prepareSite({ dataDir: folder }, 'distinct');
  });
  after(remove);

  /** The economy of the folder is broken by the first of them; each judges its own trade only. */
  const cases: { dupe: string; mutation: MutationName; in: 'crashing' | 'recovering'; point: FaultPoint; symptom: RegExp }[] = [
    { dupe: 'dupe 1', mutation: 'commits-apart', in: 'crashing', point: 'prepared', symptom: HALF },
    { dupe: 'dupe 1', mutation: 'no-decision', in: 'crashing', point: 'committed', symptom: HALF },
    { dupe: 'dupe 1', mutation: 'resolver-commits', in: 'recovering', point: 'prepared', symptom: HALF },
    { dupe: 'dupe 1', mutation: 'resolver-absent', in: 'recovering', point: 'prepared', symptom: /no transaction is left prepared/ },
    { dupe: 'dupe 3', mutation: 'asset-by-asset', in: 'crashing', point: 'committed', symptom: HALF },
  ];
  for (const { dupe, mutation, in: place, point, symptom } of cases) {
    it(`${dupe} goes red at "${point}" when the ${place} server is "${mutation}"`, async () => {
      await withMutant(mutation, (root) => assertGoesRed(crashAt(point, { ...site, [place]: root }), symptom));
    });
  }
});
