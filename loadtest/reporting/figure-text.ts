/** Whole numbers as they are; else three digits that count. What was not measured is a dash. */
export function numberText(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** As a clock shows it: `0:07`, `12:30`, `1:00:00`. */
export function clockText(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (part: number) => String(part).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
