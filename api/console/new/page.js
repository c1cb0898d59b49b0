// The form that hands a session off: makes the session if need be, sends the files there, then
// escalates or parks it. Tried again, each request bears the same key as before, so nothing is made
// twice.

import { Adding } from "../shared/adding/adding.js";
import { dropDrafts, keepDrafts } from "../shared/drafts.js";
import { newKey, readJson, reason, send } from "../shared/server.js";

const form = document.getElementById("new");
const problem = document.getElementById("problem");
const page = newKey();
let made = null;

const field = (name) => form.elements[name]?.value ?? "";

function fit() {
  const parks = field("intent") === "park";
  document.getElementById("submit").textContent = parks ? "Park" : "Escalate";
  document.getElementById("reminder").hidden = !parks;
  document.getElementById("remind-at").hidden = field("remind") !== "at";
  const fresh = !field("session");
  document.getElementById("fresh").hidden = !fresh;
  form.elements.title.required = fresh;
}

function remindAt() {
  const wanted = field("remind");
  if (field("intent") !== "park" || !wanted) return null;
  const moment =
    wanted === "at" ? new Date(field("remind_at")) : new Date(Date.now() + wanted * 60000);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

/** The session's id, or null with the reason shown. Text that has changed is another request. */
async function session() {
  if (field("session")) return field("session");
  const body = { title: field("title"), team_id: field("team") || null, ...carriedOn() };
  const said = JSON.stringify(body);
  if (made?.said === said) return made.id;
  const answer = await send("POST", "/ai-sessions", body, `${page}-${hash(said)}`);
  if (!answer.ok) return refuse(answer);
  made = { said, id: answer.body.id };
  return made.id;
}

/** What a new session has of the one that it carries on. */
function carriedOn() {
  const { follows } = form.dataset;
  return follows ? { follows_id: follows, context: context("sessionContext") } : {};
}

function context(name) {
  const box = form.elements.takes_context;
  return box?.checked ? JSON.parse(box.dataset[name]) : null;
}

function hash(text) {
  return Array.from(text).reduce((sum, char) => (sum * 31 + char.codePointAt(0)) >>> 0, 7);
}

function refuse(answer) {
  problem.textContent = reason(answer);
  return null;
}

async function handOff(id) {
  const body = {
    intent: field("intent"),
    priority: field("priority"),
    engineer_notes: field("notes") || null,
    files: adding.ids,
    context: context("context"),
    remind_at: remindAt(),
  };
  const key = `${page}-h-${hash(JSON.stringify([id, body]))}`;
  return send("POST", `/ai-sessions/${id}/handoff`, body, key);
}

async function submit(event) {
  event.preventDefault();
  const button = document.getElementById("submit");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  problem.textContent = "";
  const id = await session();
  if (id) await adding.sendTo(`/ai-sessions/${id}/files`);
  problem.textContent ||= adding.missing;
  const answer = id && !adding.missing && (await handOff(id));
  if (answer?.ok) dropDrafts(form);
  if (answer?.status === 202) return wait(id, answer.body.id);
  if (answer?.ok) return location.assign(`/handoffs/${answer.body.id}`);
  if (answer) refuse(answer);
  button.removeAttribute("aria-busy");
}

/** Accepted, but not recorded yet: goes to its page once there is one. */
function wait(sessionId, handoffId) {
  document.getElementById("under-way").hidden = false;
  setInterval(async () => {
    try {
      await readJson(`/ai-sessions/${sessionId}/handoffs/${handoffId}`);
      location.assign(`/handoffs/${handoffId}`);
    } catch {
      // Not yet.
    }
  }, 2000);
}

keepDrafts(form, form.dataset.what);
const adding = new Adding(form);
form.addEventListener("change", fit);
form.addEventListener("submit", submit);
fit();
