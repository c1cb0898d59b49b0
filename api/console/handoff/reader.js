// Looks at a text in its dialog: only the rows that can be seen are ever in the page.

import { element } from "../shared/dom.js";
import { placesOf, plain, rowAt, rowsOf } from "./lines.js";

const ROW = 20;
const BESIDE = 10;
const UNWRAPPED = 2000;
// Browsers know no elements that are higher than some thirty million pixels.
const HIGHEST = 15000000;
const SOON = 150;
// Marks, joiners, and what colours the emoji before it.
const NO_WIDTH = /^[\p{M}\p{Cf}\p{Emoji_Modifier}]$/u;

const paper = document.createElement("canvas").getContext("2d");
const dialog = document.getElementById("text-dialog");
const view = document.getElementById("text-lines");
const reach = view.querySelector(".reach");
const pane = view.querySelector(".window");
const search = document.getElementById("text-search");
const words = document.getElementById("text-words");
const wrap = document.getElementById("text-wrap");
const said = document.getElementById("text-found");

let text = "";
let rows = rowsOf("", 1);
let places = [];
let chosen = -1;
let later = 0;
let cell = 1;
let widths = new Map();

/** Shows it from its beginning. */
export function showText(content) {
  text = plain(content);
  words.value = "";
  places = [];
  chosen = -1;
  view.scrollTop = 0;
  layOut();
  tell();
}

/** Of what was looked at, nothing stays. */
export function forgetText() {
  text = "";
  rows = rowsOf("", 1);
  pane.replaceChildren();
}

function columns() {
  const style = getComputedStyle(pane);
  if (paper.font !== style.font) {
    paper.font = style.font;
    widths = new Map();
    cell = paper.measureText("0").width;
  }
  if (!wrap.checked) return UNWRAPPED;
  const room = view.clientWidth - parseFloat(style.paddingLeft) - 24;
  return Math.max(20, Math.floor(room / cell));
}

/** How many columns a letter takes as this device draws it: each is measured once. */
function widthOf(code) {
  let width = widths.get(code);
  if (width === undefined) {
    const letter = String.fromCodePoint(code);
    width = NO_WIDTH.test(letter) ? 0 : paper.measureText(letter).width / cell;
    widths.set(code, width);
  }
  return width;
}

function layOut() {
  const top = rows.starts[first()] ?? 0;
  rows = rowsOf(text, columns(), widthOf);
  reach.style.height = `${Math.min(rows.starts.length * ROW, HIGHEST)}px`;
  scrollTo(rowAt(rows.starts, top));
  draw();
}

/** How many rows one pixel of scrolling is worth: where all of them are too high, more. */
function scale() {
  const room = view.clientHeight;
  const all = rows.starts.length * ROW;
  return all <= HIGHEST ? 1 : (all - room) / (HIGHEST - room);
}

function first() {
  return Math.floor((view.scrollTop * scale()) / ROW);
}

function scrollTo(row) {
  view.scrollTop = (row * ROW) / scale();
}

function draw() {
  const from = Math.max(0, first() - BESIDE);
  const shown = Math.ceil(view.clientHeight / ROW) + 2 * BESIDE;
  const to = Math.min(rows.starts.length, from + shown);
  const drawn = [];
  for (let row = from; row < to; row += 1) drawn.push(line(row));
  pane.replaceChildren(...drawn);
  const top = view.scrollTop - (view.scrollTop * scale() - from * ROW);
  pane.style.transform = `translateY(${top}px)`;
}

function line(row) {
  const begin = rows.starts[row];
  const end = rows.starts[row + 1] ?? text.length;
  const number = rows.numbers[row] || "";
  return element(
    "div",
    { class: "line" },
    element("span", { class: "at" }, String(number)),
    element("span", { class: "words" }, ...marked(begin, end)),
  );
}

function marked(begin, end) {
  const length = words.value.length;
  const pieces = [];
  let at = begin;
  let next = places.length ? Math.max(0, rowAt(places, begin) - 1) : 0;
  for (; next < places.length && places[next] < end; next += 1) {
    const place = Math.max(places[next], begin);
    const stop = Math.min(places[next] + length, end);
    if (stop <= at || stop <= begin) continue;
    pieces.push(text.slice(at, place));
    const attributes = next === chosen ? { class: "chosen" } : {};
    pieces.push(element("mark", attributes, text.slice(place, stop)));
    at = stop;
  }
  pieces.push(text.slice(at, end).replace(/\r?\n$/, ""));
  return pieces;
}

function tell() {
  const lines = `${rows.lines.toLocaleString()} line${rows.lines === 1 ? "" : "s"}`;
  if (!words.value) said.textContent = lines;
  else if (!places.length) said.textContent = "Not found";
  else said.textContent = `${(chosen + 1).toLocaleString()} of ${places.length.toLocaleString()}`;
}

function look() {
  clearTimeout(later);
  later = 0;
  places = placesOf(text, words.value);
  const from = rows.starts[first()] ?? 0;
  chosen = places.findIndex((place) => place >= from) - 1;
  if (chosen < -1) chosen = -1;
  go(1);
}

function go(step) {
  if (places.length) {
    chosen = (chosen + step + places.length) % places.length;
    const row = rowAt(rows.starts, places[chosen]);
    const seen = Math.floor(view.clientHeight / ROW);
    if (row < first() || row >= first() + seen - 1) scrollTo(Math.max(0, row - 3));
  }
  draw();
  tell();
}

view.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
wrap.addEventListener("change", layOut);
words.addEventListener("input", () => {
  clearTimeout(later);
  later = setTimeout(look, SOON);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  if (later) look();
  else go(event.submitter?.value === "back" ? -1 : 1);
});
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.shiftKey) return;
  event.preventDefault();
  go(-1);
});
new ResizeObserver(() => dialog.open && layOut()).observe(view);
