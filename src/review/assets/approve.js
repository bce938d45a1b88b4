// @ts-check
// The decision: who approves, what still holds the clip, and what comes next.

import { Refused, ask } from "./api.js";
import { BASE } from "./base.js";
import { beyond } from "./counts.js";
import { $, h, sentence } from "./dom.js";

const NAME = "housecall:name";
const NEXT = `housecall:notice${BASE}`;

/** What is said on the page that comes next. @param {string} words */
function leaveNotice(words) {
  try {
    sessionStorage.setItem(NEXT, words);
  } catch {
    // Without storage there is no notice.
  }
}

/** What the page before left to say, once. */
export function takeNotice() {
  try {
    const words = sessionStorage.getItem(NEXT) ?? "";
    sessionStorage.removeItem(NEXT);
    return words;
  } catch {
    return "";
  }
}

export class Approval {
  /** @param {string} id @param {import("./store.js").Store} store @param {import("./save.js").Saver} saver */
  constructor(id, store, saver) {
    this.id = id;
    this.store = store;
    this.saver = saver;
    try {
      $("by").value = localStorage.getItem(NAME) ?? "";
    } catch {
      // Then it is written anew each time.
    }
    $("approve-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.decide("approve");
    });
    $("hold").addEventListener("click", () => void this.decide("hold"));
    this.draw();
  }

  /** Brings a person to the decision. */
  focus() {
    const target = $("by").value.trim() === "" || $("approve").hidden ? ($("approve").hidden ? $("hold") : $("by")) : $("approve");
    target.focus();
  }

  draw() {
    const { view } = this.store;
    const { card } = view;
    const isHeld = view.held;
    const by = card.approved_by;
    const words = isHeld
      ? card.reasons.length > 0 ? "Waits for you:" : "Waits for an approval."
      : by ? `Approved by ${by}.` : "Nobody has to approve this clip.";
    const next = card.state === "approved" ? " Its cuts come next." : "";
    $("standing").textContent = words + next;
    $("standing").dataset.held = String(isHeld);
    $("holding").hidden = !isHeld || card.reasons.length === 0;
    $("holding").replaceChildren(...(isHeld ? card.reasons.map((/** @type {string} */ reason) => h("li", { dir: "auto" }, sentence(reason))) : []));
    // It keeps nobody from approving: staff may shorten it where they post it.
    const long = beyond(view.posts);
    $("beyond").hidden = long.length === 0;
    $("beyond").replaceChildren(...long.map((what) => h("li", { dir: "auto" }, `${what}; shorten it under Texts, or where you post it.`)));
    $("approve").hidden = !isHeld;
    $("hold").hidden = isHeld;
  }

  /** @param {"approve" | "hold"} what */
  async decide(what) {
    const by = $("by").value.trim();
    $("approval-problem").textContent = "";
    if (by === "") {
      $("approval-problem").textContent = "Write your name first: it is kept with the decision.";
      $("by").focus();
      return;
    }
    try {
      localStorage.setItem(NAME, by);
    } catch {
      // As above.
    }
    for (const button of ["approve", "hold"]) $(button).disabled = true;
    try {
      if (!(await this.saver.flush())) throw new Refused(0, { what: "Your last changes are not saved yet", advice: "Look above what keeps them, then approve again" });
      const view = await ask("POST", `/api/clip/${this.id}/${what}`, { by, note: null, subject: this.store.view.subject });
      this.store.take(view);
      if (what === "approve") await this.#goOn(view.card);
    } catch (error) {
      this.#refused(error instanceof Refused ? error : new Refused(0, null));
    } finally {
      for (const button of ["approve", "hold"]) $(button).disabled = false;
    }
  }

  /** @param {Refused} refused */
  #refused(refused) {
    if (refused.conflict) {
      this.store.take(refused.conflict);
      $("approval-problem").textContent = "This clip was changed meanwhile, and is shown as it is now. Look at it, then decide again.";
      return;
    }
    $("approval-problem").textContent = `${sentence(refused.what)} ${sentence(refused.advice)}`;
  }

  /** To the next clip that needs a look, after this one or from the beginning. @param {any} card */
  async #goOn(card) {
    const { clips } = await ask("GET", "/api/day");
    const here = clips.findIndex((/** @type {any} */ clip) => clip.id === this.id);
    const order = [...clips.slice(here + 1), ...clips.slice(0, Math.max(here, 0))];
    const next = order.find((/** @type {any} */ clip) => clip.state === "needs-a-look");
    const name = card.question ?? card.name;
    if (next) {
      leaveNotice(`Approved: ${sentence(name)} Its cuts come next. This is the next clip.`);
      location.assign(`${BASE}/clip/${next.id}`);
    } else {
      $("notice").textContent = `Approved: ${sentence(name)} Its cuts come next. No other clip needs a look.`;
      $("notice").hidden = false;
    }
  }
}
