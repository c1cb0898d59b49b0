// The chats of the account: each is connected, changed or disconnected by a form of its own.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { reason, send } from "../../shared/server.js";

loadAnewOnReturn();

function said(form) {
  const places = [...form.querySelectorAll("[data-key]")].filter((one) => one.value.trim());
  const secrets = [...new FormData(form)].filter(([, value]) => value);
  return {
    ...Object.fromEntries(secrets),
    channels: Object.fromEntries(places.map((one) => [one.dataset.key, one.value.trim()])),
  };
}

for (const form of document.querySelectorAll("[data-integration]")) {
  const path = `/integrations/${form.dataset.integration}`;
  const problem = form.querySelector(".problem");
  const saved = form.querySelector(".saved");
  const save = form.querySelector("[type=submit]");
  const disconnect = form.querySelector("[data-disconnect]");

  const change = async (button, method, body, then) => {
    problem.textContent = saved.textContent = "";
    const answer = await whileBusy(button, () => send(method, path, body));
    if (!answer) return;
    if (answer.ok) then(answer.body);
    else problem.textContent = reason(answer);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change(save, "PUT", said(form), ({ channels }) => {
      for (const one of form.querySelectorAll("[data-key]")) {
        one.value = channels[one.dataset.key] ?? "";
      }
      for (const one of form.querySelectorAll("[type=password]")) {
        one.value = "";
        one.placeholder = "As it is";
      }
      save.textContent = "Save";
      disconnect.hidden = false;
      saved.textContent = "Connected. It holds for every handoff from now on.";
    });
  });

  disconnect.addEventListener("click", () =>
    change(disconnect, "DELETE", undefined, () => {
      for (const one of form.querySelectorAll("input")) one.value = "";
      save.textContent = "Connect";
      disconnect.hidden = true;
      saved.textContent = "Disconnected. Nothing leaves by it any more.";
    }),
  );
}
