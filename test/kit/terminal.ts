import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const SIZE = { rows: 40, columns: 120 };
/** A control sequence with its parameters and its letter, another one, or what is shown. */
// oxlint-disable-next-line no-control-regex
const WRITTEN = /\u001B\[(?<parameters>[\d;?]*)(?<letter>[A-Za-z])|\u001B[()]?.|\n|\r|(?<shown>[^\u001B\r\n]+)/g;

/** Whether this machine has one to lend: util-linux's `script`. */
export const hasTerminal = (): boolean => /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

/** A command that wants a terminal, and what it shows there. */
export class Terminal {
  readonly #child;
  /** Resolves with its exit code. */
  readonly exited: Promise<number | null>;
  #written = '';

  constructor(command: string, { cwd }: { cwd: string }) {
    this.#child = spawn('script', ['-qec', `stty rows ${SIZE.rows} cols ${SIZE.columns}; exec ${command}`, '/dev/null'], { cwd, env: { ...process.env, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.on('data', (chunk: Buffer) => (this.#written += chunk.toString()));
    this.exited = once(this.#child, 'exit').then(([code]) => code as number | null);
  }

  press(key: string): void {
    this.#child.stdin.write(key);
  }

  /** Its lines, as far as text and movements of the cursor tell: no colours, no scrolling. */
  screen(): string {
    const lines = Array.from({ length: SIZE.rows }, () => ' '.repeat(SIZE.columns));
    let [row, column] = [0, 0];
    for (const { 0: text, groups: { parameters = '', letter, shown } = {} } of this.#written.matchAll(WRITTEN)) {
      const [first = 0, second = 0] = parameters.split(';').map(Number);
      if (letter === 'H') [row, column] = [Math.max(first - 1, 0), Math.max(second - 1, 0)];
      else if (letter === 'C') column += Math.max(first, 1);
      else if (letter === 'J') lines.fill(' '.repeat(SIZE.columns));
      else if (text === '\n') row++;
      else if (text === '\r') column = 0;
      else if (shown !== undefined) {
        const line = lines[row] ?? '';
        lines[row] = line.slice(0, column).padEnd(column) + shown + line.slice(column + shown.length);
        column += shown.length;
      }
    }
    return lines.join('\n');
  }

  /** It ends with us, however it is. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}
