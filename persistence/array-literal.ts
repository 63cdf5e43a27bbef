/**
 * Array parameters, written by hand: the driver's general encoder is most of a batch's cost in this process.
 * @see PostgreSQL manual, 8.15.6 Array Input and Output Syntax
 */

/** Of elements that are written as they stand: numbers, ids, `NULL`, and what was quoted. */
export const literal = (column: readonly unknown[]): string => `{${column.join(',')}}`;

/** An array element with any text in it. */
export function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`;
}

/** The same of a JSON text: it has no control characters, and what else a string of JSON escapes an element does too. */
export const quotedJson = (json: string): string => JSON.stringify(json);

export type ArrayElement = string | number | boolean | null | undefined;

/** Of any elements; what is missing is null. */
export const arrayLiteral = (column: readonly ArrayElement[]): string => literal(column.map((value) => (typeof value === 'string' ? quoted(value) : (value ?? 'NULL'))));

/** The columns of rows that are equally long, as parameters of a statement. */
export function columnsOf(rows: readonly (readonly ArrayElement[])[]): string[] {
  return (rows[0] ?? []).map((_, column) => arrayLiteral(rows.map((values) => values[column])));
}
