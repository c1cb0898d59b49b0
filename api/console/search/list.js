// The list of both pages: moving in it by keys, and loading what comes after its end.

import { announce } from "../shared/announce.js";
import { learnTime, tick } from "../shared/clocks.js";
import { onKey } from "../shared/frame/keys.js";
import { readPiece } from "../shared/server.js";

const found = document.getElementById("found");
const problem = document.getElementById("problem");
const AHEAD = "600px";
const links = () => Array.from(found.querySelectorAll(".find h3 a"));

let asked = 0;
let arranged = () => {};

/** Reads a piece; what was asked before the last question is no answer to it any more. */
async function read(address) {
  const mine = ++asked;
  found.setAttribute("aria-busy", "true");
  try {
    const piece = await readPiece(`/console${address}`);
    if (mine !== asked) return null;
    problem.textContent = "";
    learnTime(piece.querySelector("[data-now]").dataset.now);
    return piece;
  } catch {
    if (mine === asked) problem.textContent = "The server does not answer. Try again.";
    return null;
  } finally {
    if (mine === asked) found.removeAttribute("aria-busy");
  }
}

/** Shows what stands at this address in the place of what is shown. */
export async function show(address) {
  const piece = await read(address);
  if (!piece) return;
  found.replaceChildren(...piece.childNodes);
  settle();
  const many = links().length;
  announce(`${document.getElementById("more") ? "More than " : ""}${many} found`);
}

async function goOn(link) {
  const address = link.getAttribute("href");
  const had = document.activeElement === link;
  watching.disconnect();
  const piece = await read(address);
  if (!piece) return;
  const last = links().length;
  document.getElementById("finds").append(...piece.querySelector("#finds").children);
  document.getElementById("more").remove();
  const more = piece.querySelector("#more");
  if (more) found.append(more);
  settle();
  if (had) links()[last]?.focus();
}

const watching = new IntersectionObserver(
  (seen) => seen.some((one) => one.isIntersecting) && goOn(seen[0].target),
  { rootMargin: AHEAD },
);

function settle() {
  arranged();
  tick(found);
  watching.disconnect();
  const link = document.querySelector("#more a");
  if (link) watching.observe(link);
}

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
  next?.closest(".find").scrollIntoView({ block: "nearest" });
}

/** `arrange` puts in order what has just come. */
export function startList(arrange = () => {}) {
  arranged = arrange;
  found.addEventListener("click", (event) => {
    const link = event.target.closest("#more a");
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!link || !plain) return;
    event.preventDefault();
    goOn(link);
  });
  onKey("j", () => step(1));
  onKey("k", () => step(-1));
  settle();
}
