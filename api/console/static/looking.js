// Who else looks at this handoff: says that we do, and shows the others. Advisory, no more.

import { readJson, send } from "./server.js";

const EVERY = 15000;

function sentence(names) {
  if (!names.length) return "";
  const last = names.at(-1);
  const all = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
  return `${all} ${names.length > 1 ? "are" : "is"} looking at this, too.`;
}

async function once(path) {
  if (document.hidden) return;
  await send("POST", `${path}/viewing`);
  try {
    const others = await readJson(`${path}/presence`);
    const said = sentence(others.map((other) => other.name));
    const shown = document.getElementById("looking");
    if (shown.textContent !== said) shown.textContent = said;
  } catch {
    // Nobody is shown rather than somebody who has left.
    document.getElementById("looking").textContent = "";
  }
}

/** Goes on for as long as the page is looked at. */
export function look(path) {
  once(path);
  setInterval(() => once(path), EVERY);
  document.addEventListener("visibilitychange", () => once(path));
}
