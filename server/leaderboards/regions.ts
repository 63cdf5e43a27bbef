import type { BoardSets, SetName } from '../../persistence/index.ts';
import type { BoardOf } from '../catalog/index.ts';

/** A region that has not answered by then is left out of the answer. [LB6] */
const ANSWER_MAX_MS = 200;

/** A region's sets, and whether they answer. */
export interface RegionSets extends BoardSets {
  isUp(): boolean;
}

export interface RegionsOptions {
  /** Which sets a region has; one that has none is served by `others`. */
  sets: ReadonlyMap<string, RegionSets>;
  others: RegionSets;
  /** A set that is asked is not complete. */
  onIncomplete: (name: SetName) => void;
}

/** What regions answered, by region, and those that did not. */
export interface Answers<Answer> {
  answers: Map<string, Answer>;
  missing: string[];
}

/** The name of a board's set in a region. */
export function setNameOf({ name, order, rule, keep }: BoardOf, season: number, region: string): SetName {
  return { board: name, season, region, isLower: order === 'ascending', rule, keep };
}

/** All regions, asked in parallel; none keeps the others waiting. */
export class Regions {
  readonly #options: RegionsOptions;

  constructor(options: RegionsOptions) {
    this.#options = options;
  }

  of(region: string): RegionSets {
    return this.#options.sets.get(region) ?? this.#options.others;
  }

  /** Answers within 200 ms. */
  ask<Answer>(board: BoardOf, season: number, regions: readonly string[], question: (sets: BoardSets, name: SetName) => Promise<Answer | undefined>): Promise<Answers<Answer>> {
    return this.#ask(board, season, regions, regions.map((region) => [region]), async (sets, [name]) => [await question(sets, name as SetName)]);
  }

  /** The same, with one question for all regions that are served by the same sets. */
  askTogether<Answer>(board: BoardOf, season: number, regions: readonly string[], question: (sets: BoardSets, names: readonly SetName[]) => Promise<(Answer | undefined)[]>): Promise<Answers<Answer>> {
    return this.#ask(board, season, regions, [...Map.groupBy(regions, (region) => this.of(region)).values()], question);
  }

  #ask<Answer>(board: BoardOf, season: number, regions: readonly string[], groups: readonly (readonly string[])[], question: (sets: BoardSets, names: readonly SetName[]) => Promise<(Answer | undefined)[]>): Promise<Answers<Answer>> {
    return new Promise((resolve) => {
      const answers = new Map<string, Answer>();
      let silent = 0;
      const end = () => {
        clearTimeout(patience);
        resolve({ answers: new Map(answers), missing: answers.size === regions.length ? [] : regions.filter((region) => !answers.has(region)) });
      };
      const patience = setTimeout(end, regions.length === 0 ? 0 : ANSWER_MAX_MS);
      const hear = (region: string, answer: Answer | undefined) => {
        if (answer === undefined) silent++;
        else answers.set(region, answer);
        if (answers.size + silent === regions.length) end();
      };
      for (const group of groups) {
        const sets = this.of(group[0] as string);
        const names = group.map((region) => setNameOf(board, season, region));
        const hearAll = (found: readonly (Answer | undefined)[]) => {
          for (const [at, region] of group.entries()) hear(region, found[at]);
        };
        // One that fails is as good as one that says nothing.
        if (!sets.isUp()) hearAll([]);
        else question(sets, names).then((found) => hearAll(found.map((answer, at) => answer ?? this.#noteIncomplete(names[at] as SetName))), () => hearAll([]));
      }
    });
  }

  #noteIncomplete(name: SetName): undefined {
    this.#options.onIncomplete(name);
  }
}
