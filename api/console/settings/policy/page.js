// The account's policy: its levels as forms, saved whole; what it would do is asked as one edits.

import { loadAnewOnReturn } from "../../shared/back.js";
import { written } from "../../shared/durations.js";
import { element } from "../../shared/dom.js";
import { clear, inWords, mark } from "./faults.js";
import { showPreview } from "./preview.js";
import { readJson, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const form = document.getElementById("policy");
const levels = document.getElementById("levels");
const problem = document.getElementById("problem");
const sure = document.getElementById("sure");
const saved = document.getElementById("saved");
let kept;
let timer = 0;

const parts = (level, selector) => Array.from(level.querySelectorAll(selector));

// The channels of a level that names none.
const usual = () => {
  const boxes = parts(document.getElementById("level").content, "[data-channel][data-default]");
  return boxes.map((box) => box.dataset.channel);
};

function makeLevel(level) {
  const made = document.getElementById("level").content.cloneNode(true).firstElementChild;
  for (const box of parts(made, "[data-kind]"))
    box.checked = level.targets.some(
      (one) => one.kind === box.dataset.kind && (one.value ?? "") === box.value,
    );
  for (const box of parts(made, "[data-channel]"))
    box.checked = level.channels.includes(box.dataset.channel);
  for (const box of parts(made, "[data-wait]")) box.value = written(level.wait[box.dataset.wait]);
  made.querySelector("[data-repeat]").value = level.repeat;
  made.querySelector("details").open = level.targets.some((one) => one.kind === "user");
  return made;
}

function readLevel(level) {
  const checked = parts(level, "[data-kind]:checked");
  const waits = parts(level, "[data-wait]").filter((box) => box.value.trim());
  return {
    targets: checked.map((box) => ({ kind: box.dataset.kind, value: box.value || null })),
    channels: parts(level, "[data-channel]:checked").map((box) => box.dataset.channel),
    wait: Object.fromEntries(waits.map((box) => [box.dataset.wait, box.value.trim()])),
    repeat: Number(level.querySelector("[data-repeat]").value),
  };
}

function readPolicy() {
  return {
    levels: Array.from(levels.children, readLevel),
    accept_window: form.elements.accept_window.value.trim(),
    claim_lease: form.elements.claim_lease.value.trim() || null,
    email_delay: form.elements.email_delay.value.trim() || 0,
  };
}

function show(policy) {
  levels.replaceChildren(...policy.levels.map(makeLevel));
  form.elements.accept_window.value = written(policy.accept_window);
  form.elements.claim_lease.value = written(policy.claim_lease);
  form.elements.email_delay.value = policy.email_delay ? written(policy.email_delay) : "";
  document.getElementById("standing").textContent = policy.is_default
    ? "This is the default; the account has set none."
    : "";
  const faults = policy.faults.map((fault) => element("li", { class: "problem" }, inWords(fault)));
  document.getElementById("faults").replaceChildren(...faults);
  changed();
  kept = JSON.stringify(readPolicy());
}

function changed() {
  Array.from(levels.children).forEach((level, at) => {
    level.querySelector("h2").textContent = `Level ${at + 1}`;
    level.querySelector("[data-act=up]").hidden = at === 0;
    level.querySelector("[data-act=remove]").hidden = levels.children.length === 1;
  });
  clearTimeout(timer);
  timer = setTimeout(() => showPreview(readPolicy()), 300);
}

function add() {
  const last = levels.lastElementChild ? readLevel(levels.lastElementChild) : {};
  const made = makeLevel({
    targets: [{ kind: "role", value: "owner" }],
    channels: usual(),
    wait: {},
    repeat: 1,
  });
  for (const box of parts(made, "[data-wait]")) box.value = last.wait?.[box.dataset.wait] ?? "";
  levels.append(made);
  changed();
  made.querySelector("input").focus();
}

function act(event) {
  const what = event.target.dataset.act;
  const level = event.target.closest(".level");
  if (what === "remove") level.remove();
  if (what === "up") level.previousElementSibling.before(level);
  if (what) changed();
}

function refuse(answer) {
  const faults = answer.body.errors ?? [];
  problem.textContent = faults.length ? mark(form, faults).join("; ") : reason(answer);
}

async function put(method, body, done) {
  problem.textContent = saved.textContent = "";
  clear(form);
  const answer = await send(method, "/policy", body);
  if (!answer.ok) return refuse(answer);
  show(answer.body);
  saved.textContent = done;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  put("PUT", readPolicy(), "Saved. Handoffs to come work by it.");
});
form.addEventListener("input", changed);
levels.addEventListener("click", act);
document.getElementById("add").addEventListener("click", add);
document.getElementById("reset").addEventListener("click", () => sure.showModal());
sure.querySelector("form").addEventListener("submit", () => {
  put("DELETE", undefined, "The default holds again.");
});
addEventListener("beforeunload", (event) => {
  if (kept !== undefined && kept !== JSON.stringify(readPolicy())) event.preventDefault();
});
for (const id of ["preview-priority", "preview-escalator"])
  document.getElementById(id).addEventListener("change", changed);
readJson("/policy")
  .then(show, () => (problem.textContent = "The policy could not be read. Reload the page."))
  .finally(() => form.removeAttribute("aria-busy"));
