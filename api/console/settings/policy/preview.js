// What a policy would do if nobody claimed: round by round, who and by which ways, and warnings.

import { element } from "../../shared/dom.js";
import { said } from "../../shared/durations.js";
import { inWords } from "./faults.js";
import { reason, send } from "../../shared/server.js";

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

function place(endpoint) {
  const name = element("bdi", {}, endpoint.name);
  const channel = element("span", { class: "faint" }, endpoint.channel);
  return element("li", { class: "chip" }, name, channel);
}

function warning(one) {
  return element("li", { class: "notice" }, one.message);
}

/** Rounds of a level in which the same happens to the same people, after the same wait each. */
function alike(rounds) {
  const groups = [];
  for (const one of rounds) {
    const last = groups.at(-1);
    if (last && same(last.rounds[0], one) && follows(last, one)) last.rounds.push(one);
    else groups.push({ rounds: [one] });
  }
  return groups;
}

const same = (one, other) =>
  ["level", "recipients", "endpoints", "warnings"].every(
    (part) => JSON.stringify(one[part]) === JSON.stringify(other[part]),
  );

function follows({ rounds }, one) {
  const gap = one.after_seconds - rounds.at(-1).after_seconds;
  return (
    rounds.length < 2 || Math.abs(gap - (rounds[1].after_seconds - rounds[0].after_seconds)) < 1
  );
}

const when = (one) => (one.after_seconds ? `after ${said(one.after_seconds)}` : "at once");

function heading([first, ...others]) {
  if (!others.length) return `Round ${first.round}, ${when(first)} `;
  const every = said(others[0].after_seconds - first.after_seconds);
  return `Rounds ${first.round}–${others.at(-1).round}, ${when(first)} and then every ${every} `;
}

function round({ rounds }) {
  const [one] = rounds;
  return element(
    "li",
    { class: "moment" },
    element(
      "p",
      {},
      heading(rounds),
      element("span", { class: "faint" }, `level ${one.level + 1}`),
    ),
    element("ul", { class: "chips" }, [...one.recipients.map(person), ...one.endpoints.map(place)]),
    one.warnings.length ? element("ul", { class: "warnings" }, one.warnings.map(warning)) : null,
  );
}

function refused(answer) {
  const faults = answer.body.errors ?? [];
  return faults.length ? faults.map(inWords).join("; ") : reason(answer);
}

/** Asks for it and shows it; an answer that has been overtaken is dropped. */
export async function showPreview(policy) {
  const mine = ++asked;
  const shown = document.getElementById("preview");
  const priority = document.getElementById("preview-priority").value;
  const escalator = document.getElementById("preview-escalator").value || null;
  const answer = await send("POST", "/policy/preview", {
    policy,
    priority,
    escalator_id: escalator,
  });
  if (mine !== asked) return;
  if (!answer.ok) return shown.replaceChildren(element("p", { class: "problem" }, refused(answer)));
  const { rounds, warnings, exhausted_after_seconds: end } = answer.body;
  shown.replaceChildren(
    element("ul", { class: "warnings" }, warnings.map(warning)),
    element(
      "ol",
      {},
      alike(rounds).map(round),
      element(
        "li",
        { class: "moment exhausted" },
        element(
          "p",
          {},
          `After ${said(end)}: the escalator and the owners are told that nobody came.`,
        ),
      ),
    ),
  );
}
