import type { Asked, Leg, Report } from './messages.ts';

/** What became of a trade as far as its worker could say. */
export type Told = { said: 'acknowledged'; moved: Leg[] } | { said: 'refused'; code: string } | { said: 'unknown' };

export interface Entry extends Asked {
  told: Told;
}

/** What the workers reported. A trade of which no more was heard than that it was asked is unknown. */
export class Books {
  readonly trades = new Map<string, Entry>();
  readonly refusals = new Map<string, number>();
  readonly errors = new Map<string, number>();
  acknowledged = 0;
  #wakes: { at: number; wake: () => void }[] = [];

  take(report: Report): void {
    switch (report.type) {
      case 'asked': {
        const { trade, players, commands, legs } = report;
        this.trades.set(trade, { trade, players, commands, legs, told: { said: 'unknown' } });
        for (const { wake } of this.#wakes.filter(({ at }) => at <= this.trades.size)) wake();
        this.#wakes = this.#wakes.filter(({ at }) => at > this.trades.size);
        break;
      }
      case 'acknowledged':
        this.acknowledged++;
        this.#entry(report.trade).told = { said: 'acknowledged', moved: report.moved };
        break;
      case 'refused':
        raise(this.refusals, report.code);
        this.#entry(report.trade).told = { said: 'refused', code: report.code };
        break;
      case 'unanswered':
        raise(this.errors, report.error);
        break;
      case 'ready':
      case 'retries':
    }
  }

  /** Resolves when so many trades have been asked. */
  reached(at: number): Promise<void> {
    return new Promise((wake) => {
      if (this.trades.size >= at) wake();
      else this.#wakes.push({ at, wake });
    });
  }

  get refused(): number {
    return [...this.refusals.values()].reduce((sum, count) => sum + count, 0);
  }

  get unknown(): number {
    return this.trades.size - this.acknowledged - this.refused;
  }

  #entry(trade: string): Entry {
    const entry = this.trades.get(trade);
    if (entry === undefined) throw new Error(`${trade} was answered before it was asked`);
    return entry;
  }
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
