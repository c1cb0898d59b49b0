// How escalations were answered: the numbers in words and in drawings, for a chosen time.

import { loadAnewOnReturn } from "../shared/back.js";
import { bars, columns } from "./charts.js";
import { week } from "./week.js";
import { element } from "../shared/dom.js";
import { said } from "../shared/durations.js";
import { readJson } from "../shared/server.js";

loadAnewOnReturn();

const DAY = 86400000;
const report = document.getElementById("report");
const span = document.getElementById("span");
const csv = document.getElementById("csv");
const problem = document.getElementById("problem");
let asked = 0;

function card(number, words, note, list) {
  return element(
    "div",
    { class: "card number" },
    element("p", { class: "big" }, String(number)),
    element("p", {}, list ? element("a", { href: list }, words) : words),
    note ? element("p", { class: "faint" }, note) : null,
  );
}

function share(some, whole) {
  return whole ? `${Math.round((some / whole) * 100)} %` : "–";
}

/** With what is counted said beside it. */
function part(title, content, note) {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, title),
    element("p", { class: "faint" }, note),
    content,
  );
}

/** The list behind a number: just those that it counts. Numbers without such a list lead nowhere. */
function behind(found, more = {}) {
  const query = { intent: "escalate", since: found.from, until: found.to, ...more };
  return `/search?${new URLSearchParams(query)}`;
}

function numbers(found) {
  const open = found.unanswered;
  const kinds = [
    [open.waiting, "still waiting"],
    [open.exhausted, "after the last round"],
    [open.expired, "expired"],
  ];
  const why = kinds
    .filter(([count]) => count)
    .map(([count, words]) => `${count} ${words}`)
    .join(", ");
  const { time_to_claim: claim, time_to_resolve: resolve } = found;
  const failed = open.exhausted + open.expired;
  return element(
    "div",
    { class: "numbers" },
    card(
      found.total,
      found.total === 1 ? "escalation" : "escalations",
      found.withdrawn ? `${found.withdrawn} withdrawn` : null,
      behind(found),
    ),
    card(
      share(found.answered, found.total - found.withdrawn),
      "answered",
      `${found.answered} claimed`,
    ),
    card(failed, "unanswered at the end", why || "nobody was left alone"),
    card(said(claim.p50), "median time to claim", `90th percentile: ${said(claim.p90)}`),
    card(said(resolve.p50), "median time to resolve", `90th percentile: ${said(resolve.p90)}`),
  );
}

/** What still waits is no failure yet, so it is drawn apart from what nobody answered. */
function parts(day, waiting) {
  const waits = Math.min(waiting[day.date] ?? 0, day.unanswered);
  const withdrawn = day.created - day.claimed - day.unanswered;
  return [
    ["claimed", day.claimed],
    ["still waiting", waits],
    ["unanswered at the end", day.unanswered - waits],
    ["withdrawn", withdrawn],
  ];
}

function show(found, waiting) {
  const named = (counts, names, filter, more = {}) =>
    Object.entries(counts).map(([key, count]) => [
      names(key),
      count,
      String(count),
      filter && behind(found, { ...more, [filter]: key }),
    ]);
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  const outcome = (word) => capital(word.replaceAll("_", " "));
  const levels = named(found.by_level, (level) => `level ${Number(level) + 1}`);
  const claimers = found.per_claimer.map((one) => [
    one.name,
    one.count,
    `${one.count}, median ${said(one.median)}`,
    behind(found, { claimed_first_by: one.id }),
  ]);
  const teams = found.by_team.map((team) => [
    team.name ?? "of no team",
    team.total,
    `${team.total}: ${share(team.answered, team.total)} answered, ` +
      `${team.unanswered} unanswered, median ${said(team.p50)}`,
    team.id && behind(found, { team: team.id }),
  ]);
  const loads = found.load.map((one) => [
    one.name,
    one.holding,
    `${one.holding}, the longest since ${new Date(one.since).toLocaleString()}`,
    `/search?${new URLSearchParams({ claimed_by: one.id, status: "claimed" })}`,
  ]);
  const days = found.per_day.map((day) => ({ label: day.date, parts: parts(day, waiting) }));
  report.replaceChildren(
    numbers(found),
    part(
      "Per day",
      columns("Escalations per day", days),
      "By the day on which they were created, UTC, and what became of them since.",
    ),
    part(
      "By hour of the week",
      week(found.by_hour),
      "When they were created, by your clock. Point at a number for the median time to claim.",
    ),
    element(
      "div",
      { class: "pair" },
      part(
        "By priority",
        bars("Escalations by priority", named(found.by_priority, capital, "priority").reverse()),
        "As it is now.",
      ),
      part(
        "Claimed in round",
        bars(
          "Claims by round",
          named(found.by_round, (round) => (round === "0" ? "before the first" : `round ${round}`)),
        ),
        "The round that ran when somebody claimed first.",
      ),
      part(
        "By level",
        bars("Claims by level", levels),
        "The level of the policy that had been called when somebody claimed.",
      ),
      part(
        "By team",
        bars("Escalations by team", teams),
        "By the team whose the session is now. Who still waits is no failure.",
      ),
      part("Who claimed", bars("Claims by person", claimers), "First claims, by who made them."),
      part(
        "Who has how many now",
        bars("Claimed at this moment", loads),
        "Claimed and not ended at this moment, whenever it was created.",
      ),
      part(
        "How they ended",
        bars(
          "Resolved by outcome",
          named(found.by_outcome, (word) => outcome(word), "outcome", { status: "resolved" }),
        ),
        "What resolved ones came to.",
      ),
      part(
        "Where they stand",
        bars("Escalations by state", named(found.by_state, capital, "status")),
        "At this moment.",
      ),
    ),
  );
}

async function read() {
  const mine = ++asked;
  const until = new Date();
  const query = new URLSearchParams({
    from: new Date(until - span.value * DAY).toISOString(),
    to: until.toISOString(),
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  report.setAttribute("aria-busy", "true");
  try {
    const found = await readJson(`/analytics/escalations?${query}`);
    const waiting = await readJson(`/console/waiting?${query}`);
    if (mine !== asked) return;
    show(found, waiting);
    csv.dataset.query = query;
    problem.textContent = "";
  } catch {
    if (mine !== asked) return;
    // Numbers of another time are none of this one.
    const again = { type: "button", class: "button", onclick: read };
    report.replaceChildren(element("button", again, "Try again"));
    problem.textContent = "The numbers could not be read.";
  }
  report.removeAttribute("aria-busy");
}

/** The same address answers in JSON and in CSV; a plain link cannot ask for the latter. */
async function download(event) {
  event.preventDefault();
  problem.textContent = "";
  try {
    const url = URL.createObjectURL(await rows());
    element("a", { href: url, download: "escalations.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } catch {
    problem.textContent = "The rows could not be fetched. Try again.";
  }
}

async function rows() {
  const headers = { Accept: "text/csv" };
  const answer = await fetch(`/analytics/escalations?${csv.dataset.query ?? ""}`, { headers });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.blob();
}

span.addEventListener("change", read);
csv.addEventListener("click", download);
read();
