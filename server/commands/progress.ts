import { Presets, SingleBar } from 'cli-progress';

const TENTHS = 10;

export interface Step {
  phase: string;
  done: number;
  total: number;
}

export interface Progress {
  show(step: Step): void;
  stop(): void;
}

/** A bar for who watches, and a line at each tenth of a phase for a log. */
export function openProgress(out: NodeJS.WriteStream): Progress {
  return out.isTTY ? bar(out) : lines(out);
}

function bar(stream: NodeJS.WriteStream): Progress {
  const drawn = new SingleBar({ stream, format: '{phase} {bar} {value} / {total}', hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  return {
    show({ phase, done, total }) {
      const payload = { phase: phase.padEnd(6) };
      if (!drawn.isActive) drawn.start(total, done, payload);
      drawn.setTotal(total);
      drawn.update(done, payload);
    },
    stop: () => drawn.stop(),
  };
}

function lines(out: NodeJS.WriteStream): Progress {
  let last = '';
  return {
    show({ phase, done, total }) {
      const step = `${phase} ${total === 0 ? TENTHS : Math.floor((done * TENTHS) / total)}`;
      if (step !== last) out.write(`${phase} ${done} / ${total}\n`);
      last = step;
    },
    stop: () => undefined,
  };
}
