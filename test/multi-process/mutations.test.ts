import { makeMutant } from '../kit/mutant.ts';
import { MUTATIONS, type MutationName } from '../kit/mutations.ts';

describe('negative controls', () => {
  for (const [name, { guard }] of Object.entries(MUTATIONS)) {
    it(`can take out "${name}": ${guard}`, () => {
      makeMutant(name as MutationName).remove();
    });
  }
});
