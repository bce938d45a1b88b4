// @ts-check
// Saves what a person changed, at once: one save after the other, each from the version before.

import { Refused, ask } from "./api.js";
import { linesOf } from "./captions.js";
import { sentence } from "./dom.js";
import { dropDraft, keepDraft } from "./drafts.js";

/** Quiet time before a save, and pauses before another try, milliseconds. */
const QUIET = 300;
const PAUSES = [1000, 2000, 5000, 10000];

/** @typedef {{state: "saved" | "saving" | "failed" | "conflict", words: string}} Status */

export class Saver {
  /**
   * @param {string} id @param {import("./store.js").Store} store
   * @param {{status: (status: Status) => void, conflict: (theirs: any) => void}} tell
   */
  constructor(id, store, tell) {
    this.id = id;
    this.store = store;
    this.tell = tell;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Promise<void> | null} */
    this.inFlight = null;
    this.failures = 0;
    /** What has to be finished before the last save of a page that is left. */
    this.beforeLeaving = () => {};
    /** The clip as somebody else saved it, until a person chose. @type {any} */
    this.conflict = null;
    store.on("change", () => this.changed());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("online", () => this.#again(0));
  }

  /** Something changed here: it is kept in the browser now, and saved shortly. */
  changed() {
    if (this.store.isSaved && !this.inFlight) {
      clearTimeout(this.timer);
      dropDraft(this.id);
      if (!this.conflict) this.tell.status({ state: "saved", words: "Saved" });
      return;
    }
    keepDraft(this.id, { version: this.store.view.version, captions: this.#save().captions ?? null, choices: this.store.choices });
    if (this.conflict) return;
    this.tell.status({ state: "saving", words: "Saving…" });
    this.#again(QUIET);
  }

  /** @param {number} pause */
  #again(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#run(), pause);
  }

  #save() {
    const { captions, choices } = this.store.unsaved;
    /** @type {{version: string, captions?: [number, number, string][], choices?: any}} */
    const save = { version: this.store.view.version };
    if (captions) save.captions = linesOf(this.store.rows);
    if (choices) save.choices = this.store.choices;
    return save;
  }

  /** Saves everything now, and waits for it. @returns {Promise<boolean>} whether the day has it all */
  async flush() {
    clearTimeout(this.timer);
    for (let tries = 0; tries < 5 && !this.conflict; tries++) {
      if (this.inFlight) await this.inFlight;
      if (this.store.isSaved) return true;
      await this.#run();
      if (this.failures > 0) return false;
    }
    return this.store.isSaved && !this.conflict;
  }

  async #run() {
    clearTimeout(this.timer);
    if (this.inFlight || this.conflict || this.store.isSaved) return;
    this.inFlight = this.#put(this.#save());
    await this.inFlight;
    this.inFlight = null;
    // What was written meanwhile goes next, from the new version.
    if (this.failures === 0) this.changed();
  }

  /** @param {any} save */
  async #put(save) {
    const sent = this.store.print;
    try {
      // Small enough to outlive the page (browsers allow 64 KiB for all such requests together).
      const keepalive = JSON.stringify(save).length < 30000;
      const view = await ask("PUT", `/api/clip/${this.id}`, save, { keepalive });
      this.failures = 0;
      this.store.take(view, sent);
    } catch (error) {
      this.failures++;
      this.#failed(error instanceof Refused ? error : new Refused(0, null));
    }
  }

  /** @param {Refused} refused */
  #failed(refused) {
    // A save that arrived although its answer did not is no conflict.
    if (refused.conflict && this.store.isHere(refused.conflict)) {
      this.failures = 0;
      this.store.take(refused.conflict, this.store.print);
      return;
    }
    if (refused.conflict) {
      this.conflict = refused.conflict;
      this.tell.status({ state: "conflict", words: "Not saved: somebody else changed this clip too" });
      this.tell.conflict(refused.conflict);
      return;
    }
    this.tell.status({ state: "failed", words: `Not saved. ${sentence(refused.what)} ${sentence(refused.advice)}` });
    const isPassing = refused.status === 0 || refused.status === 429 || refused.status >= 500;
    if (isPassing) this.#again(PAUSES[Math.min(this.failures, PAUSES.length) - 1]);
  }

  /** A person chose between two versions. @param {"mine" | "theirs"} which */
  settle(which) {
    const theirs = this.conflict;
    if (!theirs) return;
    this.conflict = null;
    this.failures = 0;
    this.store.settle(theirs, which);
  }

  /** Gives up every correction of captions. @returns {Promise<void>} */
  async revert() {
    if (!(await this.flush())) return;
    const { rows, choices } = this.store;
    const view = await ask("PUT", `/api/clip/${this.id}`, { version: this.store.view.version, captions: [] });
    this.store.past = [...this.store.past, { rows, choices }];
    this.store.take(view);
  }

  #leave() {
    this.beforeLeaving();
    if (this.store.isSaved || this.conflict || this.inFlight) return;
    const save = this.#save();
    if (JSON.stringify(save).length < 60000) void ask("PUT", `/api/clip/${this.id}`, save, { keepalive: true }).catch(() => {});
  }
}
