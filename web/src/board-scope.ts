import type { BoardInfo } from '../../schema/leaderboard.ts';

/** The schema's own word comes with its validator, which the page does without. */
export const ALL_REGIONS = 'global';
/** No region can be called that. */
export const MY_GUILD = 'my_guild';

export interface BoardScope {
  name: string;
  label: string;
}

/** The region whose board holds the players of a scope; a guild's may be at home anywhere. */
export function regionOf(scope: string): string {
  return scope === MY_GUILD ? ALL_REGIONS : scope;
}

/** Whom a board can be looked at for. */
export function scopesOf({ regions }: Pick<BoardInfo, 'regions'>): BoardScope[] {
  return [
    { name: ALL_REGIONS, label: 'All regions' },
    ...regions.map((region) => ({ name: region, label: regionTitle(region) })),
    { name: MY_GUILD, label: 'My guild' },
  ];
}

/** As people write it: `eu` is EU, `south-america` is South america. */
export function regionTitle(region: string): string {
  return region.length <= 3 ? region.toUpperCase() : region.replaceAll('-', ' ').replace(/^./, (first) => first.toUpperCase());
}
