// The account's own settings: shown and saved; a secret for callbacks, shown once.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { readJson, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const form = document.getElementById("account");
const saved = document.getElementById("saved");
const problem = document.getElementById("problem");
const channels = [...form.querySelectorAll("[data-channel]")];

function show(account) {
  form.elements.name.value = account.name;
  for (const choice of channels) choice.value = account.content[choice.dataset.channel];
  form.elements.callback_hosts.value = account.callback_hosts.join("\n");
}

function said() {
  return {
    name: form.elements.name.value,
    content: Object.fromEntries(channels.map((choice) => [choice.dataset.channel, choice.value])),
    callback_hosts: form.elements.callback_hosts.value.split(/\s+/).filter(Boolean),
  };
}

async function save(event) {
  event.preventDefault();
  saved.textContent = problem.textContent = "";
  const answer = await send("PUT", "/account", said());
  if (!answer.ok) {
    problem.textContent = reason(answer);
    return;
  }
  show(answer.body);
  saved.textContent = "Saved. It holds for every message from now on.";
}

async function makeSecret(event) {
  problem.textContent = "";
  const answer = await whileBusy(event.target, () => send("POST", "/account/callback-secret"));
  if (!answer) return;
  if (!answer.ok) {
    problem.textContent = reason(answer);
    return;
  }
  document.getElementById("secret-itself").textContent = answer.body.secret;
  document.getElementById("secret").hidden = false;
}

// What somebody writes before the page knows what stands there would be lost.
function locked(yes) {
  for (const control of form.elements) control.disabled = yes;
}

locked(true);
form.addEventListener("submit", save);
document.getElementById("make-secret").addEventListener("click", makeSecret);
readJson("/account")
  .then(show, () => (problem.textContent = "It could not be read. Reload the page."))
  .finally(() => {
    locked(false);
    form.removeAttribute("aria-busy");
  });
