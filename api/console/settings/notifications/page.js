// The reader's own choices: shown, saved, tried out.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { element } from "../../shared/dom.js";
import { readJson, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const form = document.getElementById("notifications");
const saved = document.getElementById("saved");
const problem = document.getElementById("problem");
const field = (name) => form.elements[name];
const channels = new Map(
  [...form.querySelectorAll("[data-channel]")].map((part) => [
    part.dataset.channel,
    part.dataset.label,
  ]),
);

function show(choices) {
  for (const channel of channels.keys()) {
    field(`${channel}.enabled`).checked = choices[channel].enabled;
    field(`${channel}.minimum_priority`).value = choices[channel].minimum_priority;
  }
  const quiet = choices.quiet_hours;
  field("quiet").checked = quiet !== null;
  if (quiet) for (const name of ["start", "end"]) field(name).value = quiet[name];
  field("time_zone").value = quiet?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  field("follow_ups").checked = choices.follow_ups;
  fit();
}

function fit() {
  document.getElementById("quiet-hours").hidden = !field("quiet").checked;
}

function chosen() {
  const channel = (name) => ({
    enabled: field(`${name}.enabled`).checked,
    minimum_priority: field(`${name}.minimum_priority`).value,
  });
  const quiet = {
    start: field("start").value,
    end: field("end").value,
    time_zone: field("time_zone").value,
  };
  return {
    ...Object.fromEntries([...channels.keys()].map((name) => [name, channel(name)])),
    quiet_hours: field("quiet").checked ? quiet : null,
    follow_ups: field("follow_ups").checked,
  };
}

async function save(event) {
  event.preventDefault();
  saved.textContent = problem.textContent = "";
  const answer = await send("PUT", "/me/notifications", chosen());
  if (answer.ok) saved.textContent = "Saved. It holds for every message from now on.";
  else problem.textContent = reason(answer);
}

const STATES = {
  sent: "sent",
  published: "pushed",
  seen: "seen",
  failed: "failed",
  skipped: "not sent",
  retrying: "failed for now",
};

function tried(channel, result) {
  const why = [result.code, result.cause].filter(Boolean).join(" ");
  const state = STATES[result.state] ?? result.state;
  return element("li", { class: "chip" }, `${channel}: ${state}${why ? ` (${why})` : ""}`);
}

async function test(event) {
  const list = document.getElementById("tried");
  const answer = await whileBusy(event.target, () => {
    list.replaceChildren();
    return send("POST", "/me/test-notification");
  });
  if (!answer) return;
  if (!answer.ok) list.append(element("li", { class: "problem" }, reason(answer)));
  else if (answer.status === 202) list.append(element("li", { class: "chip" }, "It is under way."));
  else
    list.append(
      ...Object.entries(answer.body).map(([name, result]) =>
        tried(channels.get(name) ?? name, result),
      ),
    );
}

// What somebody chooses before the page knows what they chose before would be lost.
function locked(yes) {
  for (const control of form.elements) control.disabled = yes;
}

locked(true);
form.addEventListener("submit", save);
form.addEventListener("change", fit);
document.getElementById("test").addEventListener("click", test);
document
  .getElementById("zones")
  .append(...Intl.supportedValuesOf("timeZone").map((zone) => element("option", { value: zone })));
readJson("/me/notifications")
  .then(show, () => (problem.textContent = "Your choices could not be read. Reload the page."))
  .finally(() => {
    locked(false);
    form.removeAttribute("aria-busy");
  });
