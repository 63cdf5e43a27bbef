export { Gathering, type GatherAnswer } from './gathering.ts';
export { clampTo, distance, stepTowards, type Point } from './walk.ts';
