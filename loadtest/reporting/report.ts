import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { reportPage } from './html/report-page.ts';
import { pageCode } from './page-code.ts';
import { readRecord } from './record-shape.ts';
import type { BenchRecord, LoadRecord } from './record.ts';

/** Where records are kept unless somebody says otherwise. */
export const REPORT_FOLDER = path.resolve(import.meta.dirname, '../report');

const RECORD_FILE = /^(?:load|bench)-.*\.json$/;

/** Keeps a record; the one of the same profile or benchmark before it is replaced. @returns the file */
export async function writeRecord(folder: string, record: LoadRecord | BenchRecord): Promise<string> {
  await mkdir(folder, { recursive: true });
  return await replace(path.join(folder, `${record.kind}-${record.kind === 'load' ? record.profile : record.name}.json`), `${JSON.stringify(record)}\n`);
}

export interface Report {
  page: string;
  /** Files that are named like records and are none; the page names them too. */
  leftOut: { file: string; why: string }[];
}

/** Makes the page of all records in a folder: loads first, then benchmarks, each by name. */
export async function writeReport(folder: string): Promise<Report> {
  const files = (await readdir(folder)).filter((name) => RECORD_FILE.test(name)).sort((a, b) => b.slice(0, 1).localeCompare(a.slice(0, 1)) || a.localeCompare(b));
  const records: (LoadRecord | BenchRecord)[] = [];
  const leftOut: Report['leftOut'] = [];
  for (const file of files) {
    const read = readRecord(await readFile(path.join(folder, file), 'utf8'));
    if ('record' in read) records.push(read.record);
    else leftOut.push({ file, why: read.why });
  }
  const page = await replace(path.join(folder, 'index.html'), reportPage({ records, leftOut, code: await pageCode() }));
  return { page, leftOut };
}

/** Nobody reads half a file, also when this process dies while it writes. */
async function replace(file: string, text: string): Promise<string> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
  return file;
}
