// The account's people and teams: shown, added, changed, deleted.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { element, straight } from "../../shared/dom.js";
import { newKey, readJson, readWhole, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const sheet = document.getElementById("person");
const teamSheet = document.getElementById("team-sheet");
const sure = document.getElementById("sure");
let teams = [];
let open = null;

/** A UUID of version 4. The browser itself makes one over https alone. */
function newId() {
  return newKey().replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

/** All that there are, by name. */
async function readAll(path) {
  const found = [];
  for (let cursor = ""; cursor !== null;) {
    const page = await readJson(`${path}?limit=200${cursor && `&cursor=${cursor}`}`);
    found.push(...page);
    cursor = page.length === 200 ? page.at(-1).id : null;
  }
  return found.sort((one, other) => one.name.localeCompare(other.name));
}

function personRow(person) {
  const team = teams.find((one) => one.id === person.team_id)?.name ?? "";
  const change = element(
    "button",
    { type: "button", class: "button", onclick: () => edit(person) },
    "Change",
    element("span", { class: "hidden" }, ` ${person.name}`),
  );
  return element(
    "tr",
    { class: person.is_active ? null : "inactive" },
    element("th", { scope: "row" }, element("bdi", {}, person.name)),
    element("td", { "data-label": "Email" }, element("bdi", {}, person.email)),
    element("td", { "data-label": "Role" }, person.role),
    element("td", { "data-label": "Team" }, element("bdi", {}, team || "–")),
    element("td", { "data-label": "State" }, person.is_active ? "active" : "inactive"),
    element("td", {}, change),
  );
}

async function show() {
  teams = await readAll("/directory/teams");
  const people = await readAll("/directory/users");
  document.getElementById("people").replaceChildren(...people.map(personRow));
  const chip = (team) =>
    element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "button", onclick: () => editTeam(team) },
        element("bdi", {}, team.name),
      ),
    );
  document.getElementById("teams").replaceChildren(...teams.map(chip));
  const choices = teams.map((team) => element("option", { value: team.id }, team.name));
  document
    .getElementById("team")
    .replaceChildren(element("option", { value: "" }, "No team"), ...choices);
}

function openSheet(dialog, thing, fields) {
  open = thing;
  dialog.querySelector("h2").textContent = straight(thing.known ? thing.name : thing.title);
  dialog.querySelector(".problem").textContent = "";
  dialog.querySelector("[data-delete]").hidden = !thing.known;
  const form = dialog.querySelector("form");
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = value;
    else field.value = value ?? "";
  }
  dialog.showModal();
}

const OF_PERSON =
  "What they have claimed goes back to the queue, and nobody tells them anything any more. " +
  "History keeps their name.";
const OF_TEAM = "Its people and sessions are of no team afterwards. Nobody is deleted with it.";

function edit(person) {
  const fields = person ?? { name: "", email: "", role: "engineer", team_id: "", is_active: true };
  const { name, email, role, team_id, is_active } = fields;
  openSheet(
    sheet,
    { ...at("users", person), title: "A new person", says: OF_PERSON },
    { name, email, role, team_id, is_active },
  );
  open.works = Boolean(person) && is_active && role !== "viewer";
  open.person = person;
}

function editTeam(team) {
  openSheet(
    teamSheet,
    { ...at("teams", team), title: "A new team", says: OF_TEAM },
    { name: team?.name ?? "" },
  );
}

function at(kind, thing) {
  return {
    url: `/directory/${kind}/${thing?.id ?? newId()}`,
    known: Boolean(thing),
    name: thing?.name,
  };
}

function said(form) {
  const fields = Object.fromEntries(new FormData(form));
  if (!form.elements.email) return fields;
  return { ...fields, team_id: fields.team_id || null, is_active: form.elements.is_active.checked };
}

/** Asked about a second time, with what happens then. `body`: what is put; without one it is
 * deleted. */
async function ask(dialog, button, act, body) {
  const asked = open;
  const returns = await whileBusy(button, () => whatReturns(asked));
  if (returns === null || open !== asked || !dialog.open) return;
  dialog.close();
  open.body = body;
  sure.querySelector("h2").textContent = straight(`${act} ${open.name}?`);
  document.getElementById("sure-says").textContent = straight(`${open.says} ${returns}`);
  sure.querySelector("[data-sure]").textContent = straight(`${act} ${open.name}`);
  sure.querySelector(".problem").textContent = "";
  sure.showModal();
}

/** What somebody has claimed, in a sentence; nothing of a team, or where there is none. */
async function whatReturns({ person, works }) {
  if (!works) return "";
  const query = new URLSearchParams({ status: "claimed", person: person.id, limit: 200 });
  try {
    const rows = await readWhole(`/ai-sessions/handoffs?${query}`);
    const theirs = rows.filter((row) => row.claimed_by?.id === person.id);
    const titles = theirs.map((row) => `«${row.session_title}»`);
    return titles.length ? `Back in the queue: ${titles.join(", ")}.` : "";
  } catch {
    return "Which handoffs those are cannot be read now.";
  }
}

async function finish(dialog, method, body) {
  const answer = await send(method, open.url, body);
  if (!answer.ok) return (dialog.querySelector(".problem").textContent = reason(answer));
  dialog.close();
  await show();
}

for (const dialog of [sheet, teamSheet]) {
  const form = dialog.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = said(form);
    if (open.works && !(body.is_active && body.role !== "viewer"))
      return ask(dialog, event.submitter, body.is_active ? "Make a viewer of" : "Deactivate", body);
    finish(dialog, "PUT", body);
  });
  const away = dialog.querySelector("[data-delete]");
  away.addEventListener("click", () => ask(dialog, away, "Delete"));
}
sure.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (open.body) finish(sure, "PUT", open.body);
  else finish(sure, "DELETE");
});
document.getElementById("add-person").addEventListener("click", () => edit(null));
document.getElementById("add-team").addEventListener("click", () => editTeam(null));
show();
