import { el, type Attributes, type Child } from './dom.ts';
import { liftFloating } from './toasts.ts';

export interface OpenDialog {
  element: HTMLDialogElement;
  close(): void;
}

/**
 * Opens a modal dialog; the browser keeps the focus inside and gives it back afterwards.
 * `dismiss` answers Esc: without it, Esc closes. `closed` is called once, however it was closed.
 */
export function openDialog(
  options: Attributes & { label: string; dismiss?: () => void; closed?: () => void },
  ...children: Child[]
): OpenDialog {
  const { label, dismiss, closed, ...attributes } = options;
  const element = el('dialog', { 'aria-label': label, ...attributes }, ...children);
  element.addEventListener('cancel', (event) => {
    if (event.target !== element) return;
    if (!dismiss) return;
    event.preventDefault();
    dismiss();
  });
  element.addEventListener('close', (event) => {
    if (event.target !== element) return;
    liftFloating();
    element.remove();
    closed?.();
  });
  document.body.append(element);
  element.showModal();
  liftFloating();
  return { element, close: () => element.close() };
}
