/** A phone's clock can be minutes off; cooldowns are in the server's time. HTTP's Date has whole seconds. */
let skewMs = 0;
const TRUSTED_WITHIN_MS = 2000;

export function observeServerTime(dateHeader: string | null): void {
  const serverMs = Date.parse(dateHeader ?? '');
  if (Number.isNaN(serverMs)) return;
  const difference = serverMs - Date.now();
  skewMs = Math.abs(difference) > TRUSTED_WITHIN_MS ? difference : 0;
}

/** The server's Unix milliseconds, as well as they are known. */
export function serverNow(): number {
  return Date.now() + skewMs;
}
