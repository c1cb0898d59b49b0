// The account's webhooks: shown, made, changed, tested, replayed, rotated, enabled, deleted.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { element } from "../../shared/dom.js";
import { readJson, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const list = document.getElementById("webhooks");
const problem = document.getElementById("problem");
const sheet = document.getElementById("sheet");
const form = sheet.querySelector("form");
const secret = document.getElementById("secret");
let open = null;

const STATES = { following: "up to date", failing: "failing, tried again", disabled: "disabled" };
const WHY = { failed: "it took nothing for days", gone: "it answered that it is gone" };

function moment(at) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return element("time", { datetime: at }, format.format(new Date(at)));
}

function health(hook) {
  const behind = hook.behind
    ? [`, ${hook.behind} ${hook.behind === 1 ? "event" : "events"} to come`]
    : [];
  return element(
    "p",
    {},
    element("span", { class: "chip" }, STATES[hook.state]),
    behind,
    hook.disabled_why ? `: ${WHY[hook.disabled_why] ?? hook.disabled_why}` : null,
    hook.failing_since ? [", failing since ", moment(hook.failing_since)] : null,
    hook.next_try_at ? [", next try ", moment(hook.next_try_at)] : null,
    hook.last_taken_at ? [", last taken ", moment(hook.last_taken_at)] : ", nothing taken yet",
    ".",
  );
}

function attempts(hook) {
  const table = element("tbody", {});
  const details = element(
    "details",
    {},
    element("summary", {}, "Last attempts"),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "Last attempts" },
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ["Event", "When", "Answer", "Took"].map((name) =>
              element("th", { scope: "col" }, name),
            ),
          ),
        ),
        table,
      ),
    ),
  );
  details.addEventListener("toggle", async () => {
    if (!details.open) return;
    try {
      const found = await readJson(`/webhooks/${hook.id}/attempts?limit=20`);
      table.replaceChildren(...found.map(attempt));
    } catch {
      problem.textContent = "The attempts could not be read.";
    }
  });
  return details;
}

function attempt(one) {
  const answer = one.code ? `${one.code}` : one.cause.replaceAll("_", " ");
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, one.event_number || "test"),
    element("td", {}, moment(one.at)),
    element("td", {}, answer),
    element("td", {}, `${one.took_ms} ms`),
  );
}

function button(hook, words, act) {
  const name = element("span", { class: "hidden" }, ` ${hook.url}`);
  return element("button", { type: "button", class: "button", onclick: act }, words, name);
}

function row(hook) {
  const said = element("p", { role: "status" });
  const act = (path, body, words) => async (event) => {
    said.textContent = problem.textContent = "";
    const answer = await whileBusy(event.target, () =>
      send("POST", `/webhooks/${hook.id}/${path}`, body?.() ?? undefined),
    );
    if (!answer) return;
    if (answer.ok) said.textContent = words(answer);
    else problem.textContent = reason(answer);
  };
  const from = element("input", {
    type: "number",
    min: "1",
    value: Math.max(hook.place, 1),
    "aria-label": `Replay ${hook.url} from event`,
  });
  return element(
    "li",
    { class: "card", "data-key": hook.id },
    element("h3", {}, element("bdi", {}, hook.url)),
    hook.description ? element("p", {}, element("bdi", {}, hook.description)) : null,
    health(hook),
    hook.events ? element("p", { class: "faint" }, `Only ${hook.events.join(", ")}.`) : null,
    element(
      "p",
      { class: "buttons" },
      button(hook, "Change", () => edit(hook)),
      button(hook, "Test", act("test", null, tested)),
      hook.state === "disabled"
        ? button(
            hook,
            "Enable",
            act("enable", null, () => (shown(), "It goes on.")),
          )
        : null,
      button(hook, "Rotate the secret", act("rotate-secret", null, rotated)),
    ),
    hook.state === "disabled"
      ? null
      : element(
          "p",
          { class: "buttons" },
          from,
          button(
            hook,
            "Replay from here",
            act(
              "replay",
              () => ({ from: Number(from.value) }),
              () => "It goes back, and comes again.",
            ),
          ),
        ),
    said,
    attempts(hook),
  );
}

function tested(answer) {
  if (answer.status === 202) return "The test is under way.";
  const { taken, code, cause, took_ms } = answer.body;
  return `${taken ? "Taken" : "Not taken"}: ${code ?? cause.replaceAll("_", " ")}, ${took_ms} ms.`;
}

function rotated(answer) {
  tell(answer.body.secret);
  return "Both secrets sign for a day.";
}

function tell(words) {
  document.getElementById("secret-itself").textContent = words;
  secret.showModal();
}

function edit(hook) {
  open = hook;
  document.getElementById("sheet-title").textContent = hook ? "Change it" : "A new webhook";
  form.elements.url.value = hook?.url ?? "";
  form.elements.description.value = hook?.description ?? "";
  for (const option of form.elements.events.options)
    option.selected = hook?.events?.includes(option.value) ?? false;
  form.querySelector("[data-delete]").hidden = !hook;
  form.querySelector(".problem").textContent = "";
  sheet.showModal();
}

async function save(event) {
  event.preventDefault();
  const chosen = [...form.elements.events.selectedOptions].map((option) => option.value);
  const body = {
    url: form.elements.url.value,
    description: form.elements.description.value || null,
    events: chosen.length ? chosen : null,
  };
  const answer = await whileBusy(event.submitter, () =>
    open ? send("PUT", `/webhooks/${open.id}`, body) : send("POST", "/webhooks", body),
  );
  if (answer) await done(answer);
}

async function remove(event) {
  const answer = await whileBusy(event.target, () => send("DELETE", `/webhooks/${open.id}`));
  if (answer) await done(answer);
}

async function done(answer) {
  if (!answer.ok) {
    form.querySelector(".problem").textContent = reason(answer);
    return;
  }
  sheet.close();
  await shown();
  if (answer.body?.secret) tell(answer.body.secret);
}

async function show() {
  const hooks = await readJson("/webhooks");
  list.replaceChildren(...hooks.map(row));
  document.getElementById("none").hidden = hooks.length > 0;
  list.removeAttribute("aria-busy");
}

function shown() {
  return show().catch(() => (problem.textContent = "They could not be read. Reload the page."));
}

form.addEventListener("submit", save);
form.querySelector("[data-delete]").addEventListener("click", remove);
sheet.querySelector("[data-closes]").addEventListener("click", () => sheet.close());
document.getElementById("add").addEventListener("click", () => edit(null));
shown();
