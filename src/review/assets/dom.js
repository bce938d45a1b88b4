// @ts-check
// Elements, short.

/**
 * The element of that id; the page is wrong without it.
 * @param {string} id @returns {any}
 */
export function $(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id} on the page`);
  return found;
}

/**
 * An element with properties (`class`, `data-…`, `aria-…`, listeners as `onclick`) and children; texts are texts, never markup.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node | string | null)} children @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Says something to people who listen, without moving anything. @param {string} text */
export function announce(text) {
  const live = $("live");
  live.textContent = "";
  // The same words twice are said twice only if the element was empty between.
  setTimeout(() => (live.textContent = text), 50);
}

/** Shows a text, or nothing. @param {any} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/** A text with a stop, and with a capital unless it begins with a file name or a setting. @param {string} text */
export function sentence(text) {
  const trimmed = text.trim();
  const begun = /^\p{Ll}+(?=\s|$)/u.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return begun === "" || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** Whether a person is writing somewhere, so that letters are letters. @param {EventTarget | null} target */
export function isWriting(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
