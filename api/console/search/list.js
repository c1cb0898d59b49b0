// The list of both pages: moving in it by keys, loading what comes after its end.

import { announce } from "../shared/announce.js";
import { learnTime, tick } from "../shared/clocks.js";
import { element } from "../shared/dom.js";
import { onKey } from "../shared/frame/keys.js";
import { remember } from "../shared/pieces.js";
import { readPiece } from "../shared/server.js";
import { keepFresh } from "./fresh.js";

const found = document.getElementById("found");
const problem = document.getElementById("problem");
const AHEAD = "600px";
const TOO_MUCH = "Too much was asked at once. Try again in a moment.";
const links = () => Array.from(found.querySelectorAll(".find h3 a"));

let asked = 0;
let arranged = () => {};
// Addresses: what was asked for last, and what is shown; null where there was no answer.
let wanted = location.pathname + location.search;
let shown = wanted;
let isUnderWay = false;

/** Whether what stands at this address is shown, or on its way. */
export function isAsked(address) {
  return address === wanted && (isUnderWay || address === shown);
}

/** Reads a piece; null for what was asked before the last question: it is no answer any more. */
async function read(address) {
  const mine = ++asked;
  found.setAttribute("aria-busy", "true");
  try {
    const piece = await readPiece(`/console${address}`);
    if (mine !== asked) return null;
    problem.textContent = "";
    learnTime(piece.querySelector("[data-now]").dataset.now);
    remember(piece);
    return piece;
  } catch (fault) {
    if (mine !== asked) return null;
    problem.textContent =
      fault.message === "429" ? TOO_MUCH : "The server does not answer. Try again.";
    throw fault;
  } finally {
    if (mine === asked) found.removeAttribute("aria-busy");
  }
}

/** Shows what stands at this address in the place of what is shown. */
export async function show(address) {
  wanted = address;
  isUnderWay = true;
  const piece = await read(address).catch(giveUp);
  if (!piece) return;
  isUnderWay = false;
  replace(piece, address);
  const many = links().length;
  announce(`${document.getElementById("more") ? "More than " : ""}${many} found`);
}

function replace(piece, address) {
  shown = address;
  found.replaceChildren(...piece.childNodes);
  settle();
}

/** What was found before is no answer to this question. */
function giveUp() {
  shown = null;
  isUnderWay = false;
  const again = { type: "button", class: "button", onclick: () => show(wanted) };
  const button = element("button", again, "Try again");
  found.replaceChildren(element("p", { class: "more" }, button));
}

async function goOn(link) {
  const address = link.getAttribute("href");
  const had = document.activeElement === link;
  watching.disconnect();
  const piece = await read(address).catch(() => null);
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
  remember(found);
  settle();
  keepFresh(found, { shown: () => shown, replace, again: () => show(wanted) });
}
