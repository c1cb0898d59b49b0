// A claim link: what it shows is read again when it rings, and where nobody is signed in, every few
// seconds. Whoever comes too late reads who has it.

import { announce } from "../shared/announce.js";
import { learnTime, length, now, startClocks } from "../shared/clocks.js";
import { Reading } from "../shared/live/reading.js";
import { refresh, remember } from "../shared/pieces.js";
import { readPiece } from "../shared/server.js";

const EVERY = 10000;
const OLD = 20000;
const GONE = ["404", "410"];

const main = document.getElementById("main");
const { handoff } = main.querySelector("[data-key]").dataset;
let answeredAt = Date.now();

const said = () => document.getElementById("said").textContent.trim();

async function read() {
  const fresh = (await page())?.querySelector("main");
  answeredAt = Date.now();
  // It leads elsewhere by now: to a sign-in, or to why it leads nowhere.
  if (!fresh?.querySelector("[data-key]")) return location.reload();
  const before = said();
  learnTime(fresh.dataset.now);
  refresh(main, fresh);
  if (said() !== before) announce(said());
}

async function page() {
  try {
    return await readPiece(location.pathname, { Accept: "text/html" });
  } catch (fault) {
    if (GONE.includes(fault.message)) return null;
    throw fault;
  }
}

/** Where no badge says it: what stands here is as old as the last answer. */
function sayAge() {
  const since = Date.now() - answeredAt;
  const shown = document.getElementById("age");
  const old = `This is ${length(now() - since)} old: the server has not answered since.`;
  if (since >= OLD && !shown.textContent) announce(old);
  shown.textContent = since < OLD ? "" : old;
}

const reading = new Reading(read);
remember(main);
if (document.body.dataset.me) {
  const { live } = await import("../shared/live/live.js");
  live.watch(reading);
  live.addEventListener("bell", ({ detail }) => {
    if (!detail.subject || detail.subject === handoff) reading.again();
  });
} else {
  startClocks();
  setInterval(() => document.hidden || sayAge(), 1000);
}
// Who is of another account hears no bell of this one.
setInterval(() => document.hidden || reading.again(), EVERY);
document.addEventListener("visibilitychange", () => document.hidden || reading.again());
addEventListener("pageshow", (event) => event.persisted && reading.again());
