// A handoff's page: reads its story again when it rings, gives commands.

import { Adding } from "../shared/adding/adding.js";
import { announce } from "../shared/announce.js";
import { bodyOf, changesOf } from "../shared/asked.js";
import { now } from "../shared/clocks.js";
import { onKey, shareKeysWithTheList } from "../shared/frame/keys.js";
import { dropDrafts, keepDrafts } from "../shared/drafts.js";
import { live } from "../shared/live/live.js";
import { Reading } from "../shared/live/reading.js";
import { Giving } from "./giving.js";
import { look, write } from "./looking.js";
import { easeReading } from "./reading.js";
import { openFile, removeFile, showSmall } from "./shown.js";
import { Steady } from "./steady.js";
import { refresh, remember } from "../shared/pieces.js";
import { readPiece } from "../shared/server.js";

const UNSETTLED = 2500;
const SETTLED = 15000;
const story = document.getElementById("story");
const { handoff, path, files } = story.dataset;
const JUST_CHANGED = "This has just changed. Press again if you mean it.";
let adding = null;
let undoing = 0;

const reading = new Reading(async () => {
  if (document.hidden) return;
  const findOut = giving.beforeReading();
  const piece = await readPiece(`/console/handoffs/${handoff}`);
  const { came } = steady.whileDrawing(() => refresh(story, piece));
  findOut(story);
  easeReading(story);
  takeFiles();
  takeUndoBack();
  for (const moment of came.filter((one) => one.matches(".moment")).reverse())
    announce(moment.querySelector("bdi").textContent);
});

const giving = new Giving(path, () => reading.again());
const steady = new Steady(story);

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  if (form.matches("[data-say]")) return say(form, event.submitter);
  const told = { button: event.submitter, problem: form.querySelector(".problem") };
  const isChange = form.dataset.command === "change";
  const body = isChange ? changesOf(form) : bodyOf(form);
  if (isChange && !Object.keys(body).length) {
    told.problem.textContent = "Nothing here is different yet.";
  } else if (await giving.give(form.dataset.command, body, told)) {
    form.closest("dialog").close();
    form.reset();
    dropDrafts(form);
  }
}

/** Shows what there is, and takes in what is dropped on the form, each time it was drawn anew. */
function takeFiles() {
  showSmall(story);
  const form = story.querySelector("[data-say]:not([data-takes])");
  if (!form) return;
  form.dataset.takes = "";
  adding = new Adding(form, { path: files, arrived: () => reading.again() });
}

/** A note; nothing of it is lost before it has arrived. */
async function say(form, button) {
  const problem = form.querySelector(".problem");
  if (adding.missing) {
    problem.textContent = adding.missing;
    return;
  }
  if (await giving.give("notes", { ...bodyOf(form), files: adding.ids }, { button, problem })) {
    adding.clear();
    form.reset();
    dropDrafts(form);
  }
}

function click(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const { command, opens } = button.dataset;
  if (button.dataset.file) return openFile(button.dataset);
  if (button.dataset.remove) return removeFile(button.dataset, () => reading.again());
  if (opens) document.getElementById(opens).showModal();
  else if (command) giveAtOnce(event, button);
}

function giveAtOnce(event, button) {
  const { command, round, undo } = button.dataset;
  const problem = document.getElementById("problem");
  if (!steady.isMeant(event, button)) return giving.remark(problem, JUST_CHANGED);
  const body = round ? { round: Number(round) } : undefined;
  giving.give(command, undo === undefined ? body : { undo: true }, { button, problem });
}

/** One's own claim can be undone for as long as the page says. */
function takeUndoBack() {
  clearTimeout(undoing);
  const until = story.querySelector("[data-undo]")?.dataset.until;
  if (until)
    undoing = setTimeout(() => reading.again(), Math.max(Date.parse(until) - now(), 0) + 250);
}

function press(key) {
  return story.querySelector(`.commands [data-key="${key}"]`)?.click();
}

remember(story);
keepDrafts(story, handoff);
easeReading(story);
takeFiles();
takeUndoBack();
look(path);
story.addEventListener("click", click);
story.addEventListener("submit", submit);
story.addEventListener("input", ({ target }) => target.closest("[data-say]") && write(path));
live.watch(reading);
live.addEventListener("bell", ({ detail }) => {
  if (!detail.subject || detail.subject === handoff) reading.again();
});
document.addEventListener("visibilitychange", () => reading.again());
// What becomes of a message, and that somebody has seen it, rings no bell.
setInterval(() => story.querySelector("[data-unsettled]") && reading.again(), UNSETTLED);
setInterval(() => reading.again(), SETTLED);

onKey("c", () => press("claim"));
onKey("r", () => press("resolve"));
onKey("h", () => press("again"));
onKey("Escape", () => location.assign("/"));
if (parent !== window) shareKeysWithTheList();
if (location.hash === "#resolve") press("resolve");
