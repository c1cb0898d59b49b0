// Who else looks at this handoff: says that we do, and shows the others. Advisory, no more.

import { straight } from "../shared/dom.js";
import { readJson, send } from "../shared/server.js";

const SAID_EVERY = 15000;
const READ_EVERY = 4000;
const SOON = 1000;
const WRITING_SAID_EVERY = 4000;

let writes = false;
let saidToWriteAt = 0;

function sentence(names, doing) {
  if (!names.length) return "";
  const last = names.at(-1);
  const all = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
  return `${all} ${names.length > 1 ? "are" : "is"} ${doing}.`;
}

function sentences(others) {
  const names = (some) => some.map((other) => other.name);
  const writers = others.filter((other) => other.writing);
  const watchers = others.filter((other) => !other.writing);
  const said = [
    sentence(names(writers), "writing a note"),
    sentence(names(watchers), "looking at this, too"),
  ];
  return said.filter(Boolean).join(" ");
}

async function read(path) {
  if (document.hidden) return;
  const shown = document.getElementById("looking");
  try {
    const others = await readJson(`${path}/presence`);
    const said = straight(sentences(others));
    if (shown.textContent !== said) shown.textContent = said;
  } catch {
    // Nobody is shown rather than somebody who has left.
    shown.textContent = "";
  }
}

async function say(path) {
  if (document.hidden) return;
  const body = { writing: writes };
  writes = false;
  await send("POST", `${path}/viewing`, body);
}

/** Somebody types a note: said at once, and again while they go on. */
export function write(path) {
  writes = true;
  if (Date.now() - saidToWriteAt < WRITING_SAID_EVERY) return;
  saidToWriteAt = Date.now();
  say(path);
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
