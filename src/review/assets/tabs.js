// @ts-check
// Tabs, as people with a keyboard know them: one stop, arrows between them.

import { $ } from "./dom.js";

/** @type {HTMLElement[]} */
let tabs = [];

/** Brings the tabs of the page to life. */
export function bindTabs() {
  tabs = [...document.querySelectorAll("[role=tab]")].map((tab) => /** @type {HTMLElement} */ (tab));
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => showTab(tab.id));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      showTab(next.id);
      next.focus();
    });
  });
}

/** @param {string} id of the tab */
export function showTab(id) {
  for (const tab of tabs) {
    const chosen = tab.id === id;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(/** @type {string} */ (tab.getAttribute("aria-controls"))).hidden = !chosen;
  }
  dispatchEvent(new CustomEvent("tab", { detail: id }));
}
