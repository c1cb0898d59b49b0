// The search page: finds while somebody types, and keeps what is looked for in the address.

import { loadAnewOnReturn } from "../shared/back.js";
import { onKey } from "../shared/frame/keys.js";
import { isAsked, show, startList } from "./list.js";

const REST = 250;
const form = document.getElementById("look");
const box = document.getElementById("q");
let timer = 0;
let left = location.pathname + location.search;

/** Where the form leads: what is not filled in is left out. */
function address() {
  const said = new FormData(form);
  if (said.get("from") || said.get("to"))
    said.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
  else said.delete("zone");
  const filled = Array.from(said).filter(([, value]) => value.trim());
  const query = new URLSearchParams(filled).toString();
  return query ? `/search?${query}` : "/search";
}

/** While somebody types, one step back leads to before they began; a choice is a step of its own. */
function look(isStep) {
  clearTimeout(timer);
  const wanted = address();
  if (isAsked(wanted)) return;
  if (wanted !== left) enter(wanted, isStep);
  show(wanted);
}

function enter(wanted, isStep) {
  left = wanted;
  if (isStep) history.pushState(null, "", wanted);
  else history.replaceState(history.state, "", wanted);
  document.title = box.value.trim() ? `${box.value.trim()} · Search · Handoff` : "Search · Handoff";
}

/** Back and forward: the form says what the address says. */
function turn() {
  clearTimeout(timer);
  left = location.pathname + location.search;
  const said = new URLSearchParams(location.search);
  for (const field of form.elements) if (field.name) field.value = said.get(field.name) ?? "";
  show(left);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  look(true);
});
form.addEventListener("change", (event) => event.target !== box && look(true));
box.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => look(false), REST);
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  document.querySelector(".find h3 a")?.focus();
});
addEventListener("popstate", turn);
onKey("/", () => {
  box.focus();
  box.select();
});
loadAnewOnReturn();
startList();
