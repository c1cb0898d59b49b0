// The queue page: reads the board again when it rings, claims, moves by keys, searches.

import { announce } from "../shared/announce.js";
import { onKey } from "../shared/frame/keys.js";
import { Hand } from "../shared/hand.js";
import { live } from "../shared/live/live.js";
import { Reading } from "../shared/live/reading.js";
import { refresh, remember } from "../shared/pieces.js";
import { readPiece } from "../shared/server.js";
import { Beside } from "./beside.js";
import { Claims } from "./claims.js";
import { Many } from "./many.js";
import { Notes } from "./notes.js";
import { fromItsBeginning, isLong, listAsked, showSought, withSearch } from "./search.js";
import { Staying } from "./staying.js";
import { offerViews } from "./views.js";

const MOST_HAD = 600;
const TYPED = 250;
const MOST_FRESH = 20;
const board = document.getElementById("board");
const held = document.getElementById("held");
const box = document.getElementById("search");
const told = new Set();
let missed = false;
let typing = 0;
let wanted = listAsked();
let anew = false;
let asked = false;
let unfinished = false;

const rows = () => Array.from(document.querySelectorAll("#rows > .row"));
const rowOf = (element) => element?.closest?.(".row") ?? null;

function address(kept) {
  const query = new URLSearchParams(wanted);
  for (const id of kept) query.append("keep", id);
  if (kept.length) query.set("held", staying.held);
  return `/console/board?${query}`;
}

/** Of the rows that are shown: what has not changed is not sent again. */
function tags() {
  return rows()
    .slice(0, MOST_HAD)
    .map((row) => row.dataset.tag)
    .join("");
}

/** Of another list than before, nothing stays of what was shown; what cannot be read now stands for
 * nothing, and is asked for until it can. */
const reading = new Reading(async () => {
  const began = performance.now();
  const sought = wanted;
  const fresh = anew;
  anew = false;
  const piece = await read(fresh).catch((fault) => {
    anew ||= fresh;
    throw fault;
  });
  if (sought !== wanted) {
    anew ||= fresh;
    return reading.again();
  }
  const holds = !fresh && !asked && hand.isIn();
  asked = false;
  const changes = refresh(board, piece, holds ? document.getElementById("rows") : null);
  show(changes, { fresh, began });
});

function read(fresh) {
  return readPiece(address(fresh ? [] : staying.keys()), { "Handoff-Rows": tags() });
}

const notes = new Notes();
const claims = new Claims({ notes, read: () => reading.again() });

/** What is picked, and one command for all of it. */
const many = new Many({ rows, notes, claims, read: () => reading.again() });

/** The one that is opened where there is room for both. */
const beside = new Beside();

const staying = new Staying({
  rows,
  triedAt: (row) => notes.triedAt(row),
  concerns: (row) => many.concerns(row) || beside.has(row),
});

/** What waits comes in when nobody has a hand in the list any more, or when they ask for it. */
const hand = new Hand(document.getElementById("rows"), () => unfinished && reading.again());

function showWaiting() {
  if (held.hidden) return;
  asked = true;
  reading.again();
}

function readAnew() {
  anew = true;
  reading.again();
}

function show(changes, { fresh, began }) {
  staying.look();
  showSought(rows(), box.value.trim());
  notes.redraw(began);
  claims.redraw();
  many.redraw();
  beside.redraw();
  sayWaiting(changes);
  if (!fresh) tell(changes);
}

function sayWaiting({ waiting, moves, unfinished: more }) {
  unfinished = more;
  const coming = waiting.filter((one) => one.matches(".row"));
  const urgent = coming.filter((row) => row.classList.contains("urgent")).length;
  const words = coming.length ? [`${coming.length} new`] : ["The order has changed"];
  if (urgent) words.push(`${urgent} urgent`);
  held.hidden = !moves && !waiting.length;
  held.querySelector("button").textContent = `${words.join(", ")}: show`;
}

function tell({ came, waiting, changed }) {
  // Of hundreds at once nobody sees which is new, and each would be drawn for seconds.
  const fresh = came.filter((one) => one.matches(".row")).slice(0, MOST_FRESH);
  for (const row of fresh) row.classList.add("fresh");
  for (const row of [...came, ...waiting].filter((one) => one.matches(".row"))) {
    if (!told.has(row.dataset.key)) announce(`New. ${row.dataset.said}`);
    told.add(row.dataset.key);
  }
  for (const row of changed.filter((one) => one.matches(".row")))
    announce(`${row.dataset.said}. ${row.dataset.state}`);
}

/** The address keeps what is looked for, so that it can be reloaded and sent to somebody. */
function seek() {
  const found = withSearch(location.href, box.value.trim());
  history.replaceState(null, "", isLong() ? fromItsBeginning(found) : found);
  wanted = listAsked();
  clearTimeout(typing);
  if (isLong()) typing = setTimeout(readAnew, TYPED);
  showSought(rows(), box.value.trim());
}

/** Where keys go on from: the focus, and else what is opened, whose keys come from its frame. */
function here() {
  return rowOf(document.activeElement) ?? document.querySelector("#rows > .opened");
}

function step(by) {
  const shown = rows().filter((row) => !row.hidden);
  const at = shown.indexOf(here());
  const next = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by];
  next?.querySelector("h2 a").focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Picks the row that has the focus and the one that it moves to. */
function pickOn(by) {
  const row = here();
  if (row && !many.selection.has(row)) many.selection.toggle(row);
  step(by);
  const next = rowOf(document.activeElement);
  if (next && !many.selection.has(next)) many.selection.toggle(next);
}

function choose(link) {
  if (!beside.mayLeave()) return;
  history.pushState(null, "", link.href);
  turn();
  beside.show();
  scrollTo(0, 0);
}

function turn() {
  wanted = listAsked();
  box.value = new URLSearchParams(wanted).get("q") ?? "";
  staying.forget();
  many.clear();
  readAnew();
}

function bell() {
  if (document.hidden) missed = true;
  else reading.again();
}

remember(board);
offerViews();
live.watch(reading);
live.addEventListener("bell", bell);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missed) reading.again();
  missed = false;
});
addEventListener("popstate", () => {
  if (listAsked() !== wanted) turn();
  beside.turn();
});
setInterval(
  () => rows().some((row) => row.classList.contains("gone")) && !document.hidden && reading.again(),
  10000,
);

board.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/?']");
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (event.target.matches(".pick input")) {
    many.selection.toggle(rowOf(event.target), { through: event.shiftKey });
  } else if (link && plain) {
    event.preventDefault();
    choose(link);
  } else if (plain && event.target.closest("h2 a")) {
    if (beside.open(rowOf(event.target))) event.preventDefault();
  } else if (event.target.closest(".undo")) {
    claims.undo(rowOf(event.target));
  } else if (event.target.closest("[data-command=claim]")) {
    claims.claim(rowOf(event.target));
  }
});
box.addEventListener("input", seek);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !box.value.trim()) return;
  location.assign(`/search?${new URLSearchParams({ q: box.value.trim() })}`);
});
held.addEventListener("click", showWaiting);
rows().forEach((row) => told.add(row.dataset.key));
showSought(rows(), box.value.trim());

onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("J", () => pickOn(1));
onKey("K", () => pickOn(-1));
onKey("x", () => many.selection.toggle(rowOf(document.activeElement)));
onKey("a", () => many.selection.all());
onKey("b", () => many.focus());
onKey("Escape", () => many.clear() || beside.close());
onKey("c", () => many.give("claim") || claims.claim(rowOf(document.activeElement)));
onKey("r", () => {
  if (many.give("resolve")) return;
  const row = rowOf(document.activeElement);
  if (row && !beside.open(row, "r")) location.assign(`/handoffs/${row.dataset.key}#resolve`);
});
onKey("n", showWaiting);
onKey("/", () => box.focus());
