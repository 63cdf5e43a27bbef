/** A player in the own room and in a zone, who walks. */
export interface Walker {
  /** Patches of the zone that came so far. */
  readonly patches: number;
  readonly isThere: boolean;
  /** From now on, or no longer. */
  walk(isWalking: boolean): void;
  /** Time to go somewhere else, be it on the way: asked once a second. */
  turn(): void;
}
