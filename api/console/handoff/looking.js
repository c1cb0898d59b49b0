// Who else looks at this handoff: says that we do, and shows the others. Advisory, no more.

import { straight } from "../shared/dom.js";
import { readJson, send } from "../shared/server.js";

const SAID_EVERY = 15000;
const READ_EVERY = 4000;
const SOON = 1000;

function sentence(names) {
  if (!names.length) return "";
  const last = names.at(-1);
  const all = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
  return `${all} ${names.length > 1 ? "are" : "is"} looking at this, too.`;
}

async function read(path) {
  if (document.hidden) return;
  const shown = document.getElementById("looking");
  try {
    const others = await readJson(`${path}/presence`);
    const said = straight(sentence(others.map((other) => other.name)));
    if (shown.textContent !== said) shown.textContent = said;
  } catch {
    // Nobody is shown rather than somebody who has left.
    shown.textContent = "";
  }
}

async function say(path) {
  if (!document.hidden) await send("POST", `${path}/viewing`);
}

/** At once, and again a moment later: two who open a page together shall both hear of it. */
async function arrive(path) {
  await say(path);
  await read(path);
  setTimeout(() => read(path), SOON);
}

/** Goes on for as long as the page is looked at. */
export function look(path) {
  arrive(path);
  setInterval(() => say(path), SAID_EVERY);
  setInterval(() => read(path), READ_EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || arrive(path));
}
