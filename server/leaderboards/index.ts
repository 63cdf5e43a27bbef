export { BoardKeeper, type Filled } from './board-keeper.ts';
export { Leaderboards } from './leaderboards.ts';
export { Regions, type RegionSets } from './regions.ts';
export { regionOf } from './score-pusher.ts';
