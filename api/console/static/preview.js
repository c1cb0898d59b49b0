// What a policy would do if nobody claimed: round by round, who and by which ways, and warnings.

import { element } from "./dom.js";
import { said } from "./durations.js";
import { reason, send } from "./server.js";

let asked = 0;

function person(told) {
  const ways = told.channels.length ? told.channels.join(" and ") : "not told";
  const skipped = told.skipped.map((one) => `${one.channel}: ${one.reason.replaceAll("_", " ")}`);
  return element(
    "li",
    { class: "chip", title: skipped.join("; ") || null },
    element("bdi", {}, told.name),
    element("span", { class: "faint" }, [ways, ...skipped].join(", ")),
  );
}

function warning(one) {
  return element("li", { class: "notice" }, one.message);
}

function round(one) {
  const when = one.after_seconds ? `after ${said(one.after_seconds)}` : "at once";
  return element(
    "li",
    { class: "moment" },
    element("p", {}, `Round ${one.round}, ${when} `, element("span", { class: "faint" }, `level ${one.level + 1}`)),
    element("ul", { class: "chips" }, one.recipients.map(person)),
    one.warnings.length ? element("ul", { class: "warnings" }, one.warnings.map(warning)) : null,
  );
}

/** Asks for it and shows it; an answer that has been overtaken is dropped. */
export async function showPreview(policy) {
  const mine = ++asked;
  const shown = document.getElementById("preview");
  const priority = document.getElementById("preview-priority").value;
  const escalator = document.getElementById("preview-escalator").value || null;
  const answer = await send("POST", "/policy/preview", { policy, priority, escalator_id: escalator });
  if (mine !== asked) return;
  if (!answer.ok) return shown.replaceChildren(element("p", { class: "problem" }, reason(answer)));
  const { rounds, warnings, exhausted_after_seconds: end } = answer.body;
  shown.replaceChildren(
    element("ul", { class: "warnings" }, warnings.map(warning)),
    element(
      "ol",
      {},
      rounds.map(round),
      element("li", { class: "moment exhausted" }, element("p", {}, `After ${said(end)}: the escalator and the owners are told that nobody came.`)),
    ),
  );
}
