import { failureText } from './refusal-text.ts';
import { toast } from './toasts.ts';

/** Does what a button asks for, which is not to be pressed again meanwhile; a failure is shown. @returns whether it was done */
export async function attempt(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<boolean> {
  if (button.ariaBusy === 'true') return false;
  // Disabling it would take the focus away.
  button.ariaBusy = 'true';
  try {
    await work();
    return true;
  } catch (error) {
    toast(failureText(error), 'bad');
    return false;
  } finally {
    button.ariaBusy = null;
  }
}
