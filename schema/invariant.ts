/** The program is wrong, not its input: the process stops rather than go on with a broken economy. */
export class BrokenInvariant extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokenInvariant';
  }
}

/** States what must hold, in production too. @throws {BrokenInvariant} */
export function invariant(holds: unknown, message: string): asserts holds {
  if (!holds) throw new BrokenInvariant(message);
}
