// @ts-check
// The question, the words at the start, and the texts of the posts, each with what its platform takes.

import { withChoice, withPost } from "./choices.js";
import { counted } from "./counts.js";
import { $, h } from "./dom.js";

export class Posts {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.platforms = "";
    $("question").addEventListener("input", () => {
      const written = $("question").value.replace(/\s*\n\s*/g, " ");
      this.store.change({ choices: withChoice(this.store.choices, "question", written.trim() === "" ? null : written) }, "question");
    });
    $("question").addEventListener("blur", () => this.draw());
    $("hook").addEventListener("input", () => this.#hook($("hook").value.replace(/\s*\n\s*/g, " ")));
    $("hook").addEventListener("blur", () => this.draw());
    $("hook-on").addEventListener("change", () => this.#hook($("hook-on").checked ? null : ""));
    this.draw();
  }

  /** @param {string | null} words null: the question; empty: nothing */
  #hook(words) {
    const { store } = this;
    const question = store.value("question") ?? "";
    const isQuestion = words === null || words === question || (words !== "" && words.trim() === "");
    // A practice that shows nothing at the start has to be told the question itself.
    const value = !isQuestion ? words : store.view.defaults.hook === "" ? question : null;
    store.change({ choices: withChoice(store.choices, "hook", value) }, "hook");
    this.draw();
  }

  /** Shows what stands now; never in a field that somebody writes in. */
  draw() {
    const { store } = this;
    const set = (/** @type {any} */ field, /** @type {string} */ value) => {
      if (document.activeElement !== field && field.value !== value) field.value = value;
    };
    const question = store.value("question") ?? "";
    set($("question"), question);
    const hook = store.value("hook");
    $("hook-on").checked = hook !== "";
    $("hook").disabled = hook === "";
    set($("hook"), hook === null ? question : hook);
    $("hook-hint").textContent = hook === "" ? "Nothing is shown over the first seconds." : hook === null ? "The question is shown. Write something shorter here if it is long." : "";
    const names = store.view.posts.map((/** @type {any} */ post) => post.platform).join();
    if (names !== this.platforms) this.#build(names);
    store.view.posts.forEach((/** @type {any} */ post) => this.#drawPost(post));
    $("texts-over").hidden = !document.querySelector("#posts .count.over");
  }

  /** @param {string} names */
  #build(names) {
    this.platforms = names;
    const taking = this.store.view.posts.filter((/** @type {any} */ post) => post.title !== null || this.#takesText(post));
    $("posts").replaceChildren(...taking.map((/** @type {any} */ post, /** @type {number} */ at) => {
      const field = (/** @type {"title" | "text"} */ key, /** @type {string} */ id, /** @type {string} */ label, /** @type {number} */ rows) => {
        const area = h("textarea", { id, rows, dir: "auto", "aria-describedby": `count-${id.startsWith("title") ? "title-" : ""}${post.platform}` });
        area.addEventListener("input", () => this.#write(post.platform, key, key === "title" ? area.value.replace(/\s*\n\s*/g, " ") : area.value));
        return h("div", { class: "field" }, h("label", { for: id }, label), area, h("p", { class: "count small", id: area.getAttribute("aria-describedby") }));
      };
      const back = h("button", { class: "button quiet", type: "button", "data-back": post.platform }, "Back to Housecall’s text");
      back.addEventListener("click", () => this.#back(post.platform));
      return h("details", { class: "post", "data-post": post.platform, open: at === 0 },
        h("summary", {}, h("span", {}, post.platform_name), h("span", { class: "summary-note small" })),
        post.title === null ? null : field("title", `title-${post.platform}`, `Title on ${post.platform_name}`, 2),
        this.#takesText(post) ? field("text", `post-${post.platform}`, `Text on ${post.platform_name}`, 6) : null, back);
    }));
  }

  /** Whether the platform takes a text at all: else it is empty, without a limit, and nobody wrote one. @param {any} post */
  #takesText(post) {
    return post.text !== "" || post.most_text !== null || this.store.choices.posts?.[post.platform]?.text !== undefined;
  }

  /** @param {any} post @param {"title" | "text"} key */
  #value(post, key) {
    const { store } = this;
    const written = store.choices.posts?.[post.platform]?.[key];
    if (written !== undefined && written !== null) return written;
    const wasWritten = store.view.choices.posts?.[post.platform]?.[key];
    // What was given back to the program just now is in the view only after the next save.
    const isGivenBack = wasWritten !== undefined && wasWritten !== null;
    return (isGivenBack ? store.view.defaults.posts?.[post.platform]?.[key] : null) ?? post[key] ?? "";
  }

  /** @param {any} post */
  #drawPost(post) {
    const box = document.querySelector(`[data-post="${CSS.escape(post.platform)}"]`);
    if (!box) return;
    let over = false;
    for (const key of /** @type {const} */ (["title", "text"])) {
      const field = /** @type {HTMLTextAreaElement | null} */ (document.getElementById(`${key === "title" ? "title" : "post"}-${post.platform}`));
      if (!field) continue;
      const value = this.#value(post, key);
      if (document.activeElement !== field && field.value !== value) field.value = value;
      const count = key === "title" ? counted(field.value, post.most_title) : counted(field.value, post.most_text, post.most_hashtags);
      const shown = $(`count-${key === "title" ? "title-" : ""}${post.platform}`);
      if (shown.textContent !== count.words) shown.textContent = count.words;
      shown.classList.toggle("over", count.over);
      field.setAttribute("aria-invalid", String(count.over));
      over ||= count.over;
    }
    const isOwn = this.store.choices.posts?.[post.platform] !== undefined;
    const note = /** @type {HTMLElement} */ (box.querySelector(".summary-note"));
    note.textContent = over ? "✕ too long" : isOwn ? "changed" : "";
    note.classList.toggle("bad", over);
    /** @type {HTMLElement} */ (box.querySelector("[data-back]")).hidden = !isOwn;
  }

  /** @param {string} platform @param {"title" | "text"} key @param {string} value */
  #write(platform, key, value) {
    this.store.change({ choices: withPost(this.store.choices, platform, key, value) }, `${key} ${platform}`);
    this.draw();
  }

  /** @param {string} platform */
  #back(platform) {
    const choices = withPost(withPost(this.store.choices, platform, "text", null), platform, "title", null);
    this.store.change({ choices });
    this.draw();
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-post="${CSS.escape(platform)}"] textarea`))?.focus();
  }
}
