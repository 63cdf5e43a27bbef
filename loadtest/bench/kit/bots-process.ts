/** Each bot begins with another server process. */
export function rotated<Value>(values: readonly Value[], by: number): Value[] {
  return values.map((_, at) => values[(at + by) % values.length] as Value);
}

/** A process of bots ends with who started it, and says what it did not expect. The SDK warns of every connection that fails: who runs bots counts those. */
export function tellFaults(tell: (message: string) => void): void {
  process.once('disconnect', () => process.exit(1));
  console.warn = console.info = console.log = () => undefined;
  console.error = (error: unknown) => tell(String(error));
  process.on('unhandledRejection', (error) => tell(`unhandled: ${(error as Error).stack ?? String(error)}`));
}
