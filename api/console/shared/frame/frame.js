// Every signed-in page: clocks, the live badge, the tab's title, alerts, the help dialog.
// What one page alone does lives in its own page.js.

import { setUpAlerts, ring } from "./alerts.js";
import { setUpKeys } from "./keys.js";
import { live } from "../live/live.js";
import { acknowledge } from "../live/seen.js";
import { startClocks } from "../clocks.js";

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  polling: "Polling every 5 s",
  offline: "Offline",
};
const TITLES = {
  connecting: "The live stream is being opened",
  live: "What happens shows at once",
  reconnecting: "The server does not answer; trying again",
  polling: "The live stream cannot be had; asking every five seconds instead",
  offline: "This device has no network; what stands here is as old as that",
};

function showState(state) {
  const badge = document.getElementById("live");
  badge.dataset.state = state;
  badge.title = TITLES[state];
  badge.querySelector(".word").textContent = WORDS[state];
}

function showWaiting(waiting) {
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = waiting ? `(${waiting}) ${title}` : title;
}

startClocks();
setUpAlerts();
setUpKeys();
live.addEventListener("state", (event) => showState(event.detail));
live.addEventListener("pulse", async (event) => {
  showWaiting(event.detail.pulse.waiting);
  if (event.detail.first) ring(event.detail.pulse.calls);
  // What was seen rings no bell of the server's, and this page may show it.
  if (await acknowledge(event.detail.pulse.calls))
    live.dispatchEvent(new CustomEvent("bell", { detail: { subject: null } }));
});
// Not before the page's own script has run: what rings until then, nobody would hear.
document.addEventListener("DOMContentLoaded", () => live.start());

document.addEventListener("click", (event) => {
  event.target.closest("dialog [data-closes]")?.closest("dialog").close();
  const menu = document.querySelector("details.me[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});
