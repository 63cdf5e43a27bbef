import { button, el } from './dom.ts';
import { parseQuantity } from './quantity-text.ts';

export interface QuantityField {
  element: HTMLElement;
  focus(): void;
  update(quantity: number, max: number): void;
}

/** A count with − and +, typed digits and "All". It reports whole numbers from 1 to `max`; an emptied field waits until it is left. */
export function quantityField(options: { name: string; title: string; changed: (quantity: number) => void }): QuantityField {
  let current = 1;
  let max = 1;
  const { name, title } = options;
  const input = el('input', {
    type: 'text', inputmode: 'numeric', autocomplete: 'off', class: 'quantity-input',
    'aria-label': `Quantity of ${title}`, testid: `quantity-${name}`,
    on: {
      input: () => {
        const typed = parseQuantity(input.value, max);
        if (typed > 0) report(typed);
      },
      blur: () => write(),
      focus: () => input.select(),
      keydown: (event) => {
        if (event.key === 'ArrowUp') step(event, 1);
        if (event.key === 'ArrowDown') step(event, -1);
      },
    },
  });
  const fewer = button({ class: 'step', 'aria-label': `Fewer ${title}`, testid: `quantity-${name}-fewer`, press: () => report(current - 1) }, '−');
  const more = button({ class: 'step', 'aria-label': `More ${title}`, testid: `quantity-${name}-more`, press: () => report(current + 1) }, '+');
  const all = button({ class: 'step step-all', 'aria-label': `All ${title}`, testid: `quantity-${name}-all`, press: () => report(max) }, 'All');

  function step(event: Event, by: number): void {
    event.preventDefault();
    report(current + by);
  }

  function report(quantity: number): void {
    const within = Math.max(1, Math.min(max, quantity));
    // Digits that were cut off by the maximum show the maximum at once.
    if (within !== current || input.value !== String(within)) options.changed(within);
    current = within;
    write();
  }

  function write(): void {
    if (input.value !== String(current)) input.value = String(current);
    bound();
  }

  function bound(): void {
    fewer.disabled = current <= 1;
    more.disabled = all.disabled = current >= max;
  }

  return {
    element: el('div', { class: 'quantity', role: 'group', 'aria-label': `${title}, how many` }, fewer, input, more, all),
    focus: () => input.focus(),
    update(quantity, most) {
      current = quantity;
      max = Math.max(most, quantity);
      // What is being typed stays as typed; it is corrected when the field is left.
      if (document.activeElement === input) bound();
      else write();
    },
  };
}
