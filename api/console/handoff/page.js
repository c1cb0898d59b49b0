// A handoff's page: reads its story again when it rings, gives commands.

import { announce } from "../shared/announce.js";
import { bodyOf } from "../shared/asked.js";
import { whileBusy } from "../shared/busy.js";
import { onKey } from "../shared/frame/keys.js";
import { dropDrafts, keepDrafts } from "../shared/drafts.js";
import { live } from "../shared/live/live.js";
import { Reading } from "../shared/live/reading.js";
import { look } from "./looking.js";
import { easeReading } from "./reading.js";
import { refresh, remember } from "../shared/pieces.js";
import { readPiece, reason, send } from "../shared/server.js";

const UNSETTLED = 2500;
const SETTLED = 15000;
const story = document.getElementById("story");
const { handoff, path } = story.dataset;

const reading = new Reading(async () => {
  if (document.hidden) return;
  const { came } = refresh(story, await readPiece(`/console/handoffs/${handoff}`));
  easeReading(story);
  for (const moment of came.filter((one) => one.matches(".moment")).reverse())
    announce(moment.querySelector("bdi").textContent);
});

async function give(command, body, { button, problem }) {
  const answer = await whileBusy(button, () => {
    problem.textContent = "";
    return send("POST", `${path}/${command}`, body);
  });
  if (!answer) return false;
  if (!answer.ok) problem.textContent = reason(answer);
  reading.again();
  return answer.ok;
}

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  if (form.matches("[data-say]")) return say(form, event.submitter);
  const told = { button: event.submitter, problem: form.querySelector(".problem") };
  if (await give(form.dataset.command, bodyOf(form), told)) {
    form.closest("dialog").close();
    form.reset();
    dropDrafts(form);
  }
}

/** A note; nothing of it is lost before it has arrived. */
async function say(form, button) {
  const problem = form.querySelector(".problem");
  if (await give("notes", bodyOf(form), { button, problem })) {
    form.reset();
    dropDrafts(form);
  }
}

function click(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const { command, opens, round } = button.dataset;
  const problem = document.getElementById("problem");
  if (opens) document.getElementById(opens).showModal();
  else if (command)
    give(command, round ? { round: Number(round) } : undefined, { button, problem });
}

function press(key) {
  return story.querySelector(`.commands [data-key="${key}"]`)?.click();
}

remember(story);
keepDrafts(story, handoff);
easeReading(story);
look(path);
story.addEventListener("click", click);
story.addEventListener("submit", submit);
live.addEventListener("bell", ({ detail }) => {
  if (!detail.subject || detail.subject === handoff) reading.again();
});
document.addEventListener("visibilitychange", () => reading.again());
// What becomes of a message, and that somebody has seen it, rings no bell.
setInterval(() => story.querySelector("[data-unsettled]") && reading.again(), UNSETTLED);
setInterval(() => reading.again(), SETTLED);

onKey("c", () => press("claim"));
onKey("r", () => press("resolve"));
onKey("Escape", () => location.assign("/"));
if (location.hash === "#resolve") press("resolve");
