// Views that somebody has named: a list, whose, grouping and search, as the address has them. They
// stay on this device, for this person; to send one to somebody, its address is enough.

import { element } from "../shared/dom.js";
import { fromItsBeginning, listAsked } from "./search.js";

const PLACE = `views/${document.body.dataset.me}`;
const MOST = 20;

const menu = document.getElementById("views");

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function keep(views) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(views.slice(-MOST)));
    menu.querySelector(".problem").textContent = "";
  } catch {
    menu.querySelector(".problem").textContent = "This browser keeps nothing.";
  }
  show();
}

const without = (name) => kept().filter((view) => view.name !== name);

function line({ name, query }) {
  const drop = element(
    "button",
    { type: "button", class: "plain", "aria-label": `Forget ${name}`, onclick: () => forget(name) },
    "Forget",
  );
  return element("li", {}, element("a", { href: `/${query}` }, element("bdi", {}, name)), drop);
}

function forget(name) {
  keep(without(name));
  menu.querySelector("input").focus();
}

function show() {
  menu.querySelector("ul").replaceChildren(...kept().map(line));
}

export function offerViews() {
  show();
  addEventListener("storage", show);
  menu.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.elements.namedItem("name");
    const name = field.value.trim();
    if (!name) return;
    const query = fromItsBeginning(`/${listAsked()}`).slice(1) || "?";
    keep([...without(name), { name, query }]);
    event.target.reset();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
