// The programs that act in the reader's name: shown, allowed, ended.

import { loadAnewOnReturn } from "../../shared/back.js";
import { whileBusy } from "../../shared/busy.js";
import { element, straight } from "../../shared/dom.js";
import { readJson, reason, send } from "../../shared/server.js";

loadAnewOnReturn();

const list = document.getElementById("programs");
const problem = document.getElementById("problem");
const sure = document.getElementById("sure");
const me = document.body.dataset.me;
let chosen = null;

const WORDS = {
  "sessions:read": "read sessions",
  "sessions:write": "start sessions",
  "handoffs:create": "escalate and park",
  "handoffs:read": "read handoffs and the queue",
  "handoffs:note": "write notes",
  "events:read": "follow what happens",
  scim: "keep the account's people",
};

function day(moment) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
  return element("time", { datetime: moment }, format.format(new Date(moment)));
}

function facts(token) {
  const own = token.created_by.id === me;
  const maker = own ? "you" : element("bdi", {}, token.created_by.name);
  return element(
    "p",
    { class: "faint" },
    ["Made by ", maker, " on ", day(token.created_at)],
    token.last_used_at ? [", last used on ", day(token.last_used_at)] : ", never used",
    token.expires_at ? [", good until ", day(token.expires_at)] : ", without an end",
    ".",
  );
}

function buttons(token) {
  const name = element("span", { class: "hidden" }, ` ${token.name}`);
  const allow = () => agree(token);
  const refuse = () => ask(token);
  return element(
    "p",
    { class: "buttons" },
    token.agreed_at
      ? null
      : element(
          "button",
          { type: "button", class: "button strong", onclick: allow },
          "Allow",
          name,
        ),
    element(
      "button",
      { type: "button", class: "button grave apart", onclick: refuse },
      token.agreed_at ? "End…" : "Refuse…",
      name.cloneNode(true),
    ),
  );
}

function row(token) {
  const may = token.scopes.map((scope) => element("li", { class: "chip" }, WORDS[scope] ?? scope));
  return element(
    "li",
    { class: "card", "data-key": token.id },
    element("h2", {}, element("bdi", {}, token.name)),
    token.agreed_at ? null : element("p", { class: "notice" }, "It waits for your yes."),
    facts(token),
    element("ul", { class: "chips", "aria-label": "It may" }, may),
    buttons(token),
  );
}

async function show() {
  const tokens = await readJson("/me/api-tokens");
  const living = tokens.filter((token) => !token.revoked_at);
  living.sort((one, other) => Boolean(one.agreed_at) - Boolean(other.agreed_at));
  list.replaceChildren(...living.map(row));
  document.getElementById("none").hidden = living.length > 0;
  list.removeAttribute("aria-busy");
}

async function agree(token) {
  problem.textContent = "";
  const answer = await send("POST", `/me/api-tokens/${token.id}/agree`);
  if (!answer.ok) problem.textContent = reason(answer);
  else await shown();
}

function ask(token) {
  chosen = token;
  document.getElementById("sure-title").textContent = `End ${straight(token.name)}?`;
  sure.querySelector(".problem").textContent = "";
  sure.showModal();
}

async function end(event) {
  event.preventDefault();
  const answer = await whileBusy(event.submitter, () =>
    send("DELETE", `/me/api-tokens/${chosen.id}`),
  );
  if (!answer) return;
  if (!answer.ok) {
    sure.querySelector(".problem").textContent = reason(answer);
    return;
  }
  sure.close();
  await shown();
}

function shown() {
  return show().catch(() => (problem.textContent = "They could not be read. Reload the page."));
}

sure.querySelector("form").addEventListener("submit", end);
sure.querySelector("[data-closes]").addEventListener("click", () => sure.close());
shown();
