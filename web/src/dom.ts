type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };
export type Child = Node | string | null | undefined | false;

export interface Attributes {
  class?: string;
  /** Becomes `data-testid`: what a browser test clicks. */
  testid?: string;
  on?: Listeners;
  [attribute: string]: unknown;
}

/** An element with its attributes, listeners and children; `false` and `undefined` attributes are left out. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') listen(element, value as Listeners);
    else if (name === 'testid') element.dataset['testid'] = String(value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...present(children));
  return element;
}

/** A button that never submits a form by accident. */
export function button(attributes: Attributes & { press: () => void }, ...children: Child[]): HTMLButtonElement {
  const { press, ...rest } = attributes;
  return el('button', { type: 'button', ...rest, on: { ...rest.on, click: () => press() } }, ...children);
}

/** Replaces all children. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...present(children));
}

/** Sets the text only where it differs, so that a live region does not repeat itself. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Plays a CSS animation class from its start, even when it is still running. */
export function replay(element: HTMLElement, animation: string): void {
  element.classList.remove(animation);
  void element.offsetWidth;
  element.classList.add(animation);
}

function listen(element: HTMLElement, listeners: Listeners): void {
  for (const [name, listener] of Object.entries(listeners)) {
    element.addEventListener(name, listener as EventListener);
  }
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false);
}
