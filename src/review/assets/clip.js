// @ts-check
// The page of a clip: puts its parts together.

import { ask } from "./api.js";
import { Approval, takeNotice } from "./approve.js";
import { linesOf, rowsFromLines, rowsOf } from "./captions.js";
import { chosen } from "./choices.js";
import { Conflict } from "./conflict.js";
import { drawCuts } from "./cuts.js";
import { $, announce, say } from "./dom.js";
import { draftOf, dropDraft } from "./drafts.js";
import { Glossary } from "./glossary.js";
import { bindKeys } from "./keys.js";
import { Marks } from "./marks.js";
import { Picture } from "./picture.js";
import { Posts } from "./posts.js";
import { Saver } from "./save.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { bindTabs, showTab } from "./tabs.js";
import { LOST, listen } from "./told.js";
import { Transcript } from "./transcript.js";

/** States as a person reads them; `pages.rs` has the same words. @type {Record<string, string>} */
const STATES = {
  copying: "Being copied", waiting: "Waiting its turn", transcribing: "Writing down what is said", "needs-a-look": "Needs a look",
  approved: "Approved, its cuts come next", rendering: "Cuts are being made", done: "Done", failed: "Could not be made",
};

const store = new Store(JSON.parse($("clip").textContent));
const id = store.view.card.id;

/** @type {Conflict} */
let conflict;
const saver = new Saver(id, store, {
  status: ({ state, words }) => {
    $("saved").dataset.saved = state;
    if ($("saved").textContent !== words) $("saved").textContent = words;
    if (state === "failed" || state === "conflict") announce(words);
  },
  conflict: (theirs) => conflict.show(theirs),
});
conflict = new Conflict(store, (which) => saver.settle(which));

/** @type {Transcript | undefined} */
let transcript;
const stage = new Stage(id, store, ({ clip, playing }) => transcript?.spoken(clip, playing), (kept) => transcript?.only(kept));
const glossary = new Glossary(id, saver);
transcript = new Transcript(store, {
  seek: (clip) => stage.seekClip(clip),
  fixed: (heard, meant) => glossary.offer(heard, meant),
  chosen: () => {},
});
const said = transcript;
said.only(stage.look.kept);
const marks = new Marks(store, (look, focus) => {
  if (look.start !== null) stage.seekClip(look.start);
  if (look.key !== null) said.show(look.key, look.word, focus);
  else if (/post/.test(look.label)) showTab("tab-texts");
});
const posts = new Posts(store);
const picture = new Picture(store, stage);
const approval = new Approval(id, store, saver);
bindTabs();
// A word that is being written counts as written when the page is left.
saver.beforeLeaving = () => said.closeEditor?.();

/** @type {ReturnType<typeof setTimeout> | undefined} */
let marking;

/** Draws what a change touches; each part looks for itself what that is. The list of marks comes after the words are seen. */
function drawChange() {
  said.draw();
  clearTimeout(marking);
  marking = setTimeout(() => marks.draw(), 100);
  posts.draw();
  picture.draw();
  stage.outdated();
  $("undo").disabled = store.past.length === 0;
  $("redo").disabled = store.future.length === 0;
}

function drawCard() {
  const { card } = store.view;
  const words = card.state === "approved" && !card.approved_by ? "Its cuts come next" : STATES[card.state];
  $("state").textContent = words;
  $("state").dataset.state = card.state;
  const heading = card.question?.trim() ? card.question : card.name;
  if ($("title").textContent !== heading) $("title").textContent = heading;
  approval.draw();
  drawCuts(id, store.view, words);
}

store.on("change", drawChange);
store.on("view", () => {
  drawChange();
  drawCard();
  stage.refresh();
});
drawChange();
drawCard();
if (["done", "rendering", "failed"].includes(store.view.card.state)) showTab("tab-cuts");

const undo = () => {
  glossary.drop();
  if (store.undo()) announce("Undone");
};
const redo = () => {
  if (store.redo()) announce("Done again");
};
$("undo").addEventListener("click", undo);
$("redo").addEventListener("click", redo);
$("revert").addEventListener("click", () => saver.revert().catch((error) => say($("notice"), error.message)));

/** Follows a link of the page, where there is one. @param {string} link */
const follow = (link) => document.getElementById(link)?.click();

bindKeys([
  { keys: [" "], shown: "Space", words: "play or pause", run: () => stage.toggle() },
  { keys: [","], shown: ",", words: "two seconds back", run: () => stage.step(-2) },
  { keys: ["."], shown: ".", words: "two seconds on", run: () => stage.step(2) },
  { keys: ["n"], shown: "n", words: "next thing to look at", run: () => marks.go(1, true) },
  { keys: ["N"], shown: "Shift+n", words: "thing before", run: () => marks.go(-1, true) },
  { keys: ["t"], shown: "t", words: "to the words; arrows move between them, Shift+arrows choose several", run: () => said.focus() },
  { keys: ["Enter", "F2"], shown: "Enter F2", words: "write the chosen words anew", run: () => said.edit() },
  { keys: ["s"], shown: "s", words: "split the caption before the chosen word", run: () => said.split() },
  { keys: ["j"], shown: "j", words: "join the caption with the one before", run: () => said.join() },
  { keys: ["Delete"], shown: "Delete", words: "remove the chosen words", run: () => said.remove() },
  { keys: ["g"], shown: "g", words: "always write it so, from now on", run: () => glossary.open(said.chosen?.text ?? "") },
  { keys: ["Ctrl+Z"], shown: "Ctrl+Z", words: "undo", run: undo },
  { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], shown: "Ctrl+Shift+Z", words: "redo", run: redo },
  { keys: ["i"], shown: "i", words: "begin the cuts here", run: () => picture.trim("start", stage.clip) },
  { keys: ["o"], shown: "o", words: "end the cuts here", run: () => picture.trim("end", stage.clip) },
  { keys: ["c"], shown: "c", words: "cover: this moment", run: () => picture.coverHere() },
  { keys: ["p"], shown: "p", words: "next platform", run: () => stage.nextPlatform() },
  { keys: ["v"], shown: "v", words: "show or hide the safe area", run: () => $("show-safe").click() },
  { keys: ["1"], shown: "1", words: "what to look at", run: () => showTab("tab-look") },
  { keys: ["2"], shown: "2", words: "texts", run: () => { showTab("tab-texts"); $("question").focus(); } },
  { keys: ["3"], shown: "3", words: "picture", run: () => { showTab("tab-picture"); $("tab-picture").focus(); } },
  { keys: ["4"], shown: "4", words: "cuts", run: () => { showTab("tab-cuts"); $("tab-cuts").focus(); } },
  { keys: ["a"], shown: "a", words: "to the approval; Enter approves", run: () => approval.focus() },
  { keys: ["["], shown: "[", words: "clip before", run: () => follow("previous") },
  { keys: ["]"], shown: "]", words: "next clip", run: () => follow("next") },
  { keys: ["d"], shown: "d", words: "all clips", run: () => follow("to-day") },
]);

/** The clip as it is there now, unless a save is under way that brings it anyway. */
async function fetchAgain() {
  if (saver.inFlight || saver.conflict) return;
  const view = await ask("GET", `/api/clip/${id}`).catch(() => null);
  if (!view || saver.inFlight || saver.conflict) return;
  if (store.isSaved) store.take(view);
  else saver.changed();
}

/** Whether what was told is the version that is here; an answer that is on its way counts. @param {string} version */
async function compare(version) {
  if (saver.inFlight) await saver.inFlight;
  if (version !== store.view.version) await fetchAgain();
}

listen({
  card: ({ card }) => {
    if (card.id !== id) return;
    const before = store.view.card;
    store.view = { ...store.view, card };
    drawCard();
    if (card.view && !before.view) stage.reload();
    if (card.state !== before.state || card.approved_by !== before.approved_by) void fetchAgain();
  },
  gone: (told) => told.id === id && say($("notice"), "This clip was taken out of the folder. Nothing that you change here is kept."),
  changed: (told) => told.id === id && void compare(told.version),
  connection: (state, before) => {
    say($("connection"), state === "lost" ? LOST : "");
    if (state === "on" && before === "lost") void fetchAgain();
  },
});

/** What is in a draft, and whether the clip has all of it by now. @param {import("./drafts.js").Draft} draft */
function contentOf(draft) {
  const rows = draft.captions ? rowsFromLines(rowsOf(store.view.captions), draft.captions) : store.rows;
  const choices = chosen(draft.choices ?? {}, store.view.defaults);
  const text = (/** @type {import("./captions.js").Row[]} */ all) => JSON.stringify(linesOf(all));
  return { rows, choices, isHere: text(rows) === text(store.rows) && JSON.stringify(choices) === JSON.stringify(store.choices) };
}

/** Changes that an earlier visit could not save. */
function offerDraft() {
  const draft = draftOf(id);
  if (!draft) return;
  if (contentOf(draft).isHere) {
    dropDraft(id);
    return;
  }
  const today = new Date(draft.at).toDateString() === new Date().toDateString();
  $("draft-when").textContent = new Date(draft.at).toLocaleString(undefined, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
  $("draft").hidden = false;
  $("draft-restore").addEventListener("click", () => {
    $("draft").hidden = true;
    const { rows, choices } = contentOf(draft);
    // What was made from another version is shown against this one before anything is saved.
    store.view = { ...store.view, version: draft.version };
    store.change({ rows, choices });
  });
  // The save of a page that was just left may arrive after this one was opened.
  store.on("view", () => {
    if (!$("draft").hidden && contentOf(draft).isHere) $("draft").hidden = true;
  });
  $("draft-drop").addEventListener("click", () => {
    $("draft").hidden = true;
    dropDraft(id);
  });
}

say($("notice"), takeNotice());
offerDraft();
document.documentElement.dataset.ready = "";
