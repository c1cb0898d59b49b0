// Tells the server which calls this person's screen has shown: their deliveries then read "seen".

import { send } from "../server.js";

const said = new Set();
let waiting = [];

/** Only while somebody can look: a hidden tab has shown nothing. True once something was said. */
export async function acknowledge(calls) {
  waiting = calls;
  if (document.hidden) return false;
  const numbers = calls.map((call) => call.number).filter((number) => !said.has(number));
  if (!numbers.length) return false;
  numbers.forEach((number) => said.add(number));
  const answer = await send("POST", "/events/seen", { numbers: numbers.slice(-200) });
  if (!answer.ok) numbers.forEach((number) => said.delete(number));
  return answer.ok;
}

document.addEventListener("visibilitychange", () => acknowledge(waiting));
