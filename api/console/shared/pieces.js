// Brings a part of the page up to date from the same part as the server draws it now.
// Children with a data-key are kept while they are the same; what has the focus is never taken out.
// One with a data-tag says by it what it was drawn from: nothing else of it is compared. Of one that
// the page is known to have the server sends that alone, with data-same.

import { learnTime, tick } from "./clocks.js";

const drawn = new WeakMap();

/** Remembers how the server has drawn what is inside, before clocks and people change it. */
export function remember(root) {
  for (const child of root.querySelectorAll("[data-key]"))
    if (!child.parentElement.closest("[data-tag]")) drawn.set(child, signature(child));
}

/** Times go on by themselves: they are no difference. */
function signature(element) {
  if (element.dataset.tag) return element.dataset.tag;
  // Of what is merged child by child, only those and its own attributes count.
  if (element.hasAttribute("data-into"))
    return [element.cloneNode(false).outerHTML, ...keyed(element).map(signature)].join("\n");
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) {
    for (const ours of ["title", "data-age", "data-local"]) time.removeAttribute(ours);
    if (time.dataset.time) time.textContent = "";
  }
  return copy.outerHTML;
}

/**
 * Makes `old` look like `fresh`. Answers with the keyed children that came, changed and went.
 *
 * In `held` nothing moves: its children change in their places, with their heights. Those that would
 * come are answered as `waiting`, another order as `moves`, and anything left undone as `unfinished`.
 */
export function refresh(old, fresh, held = null) {
  const moment = fresh.querySelector("[data-now]")?.dataset.now;
  if (moment) learnTime(moment);
  remember(fresh);
  const found = { came: [], changed: [], went: [], waiting: [] };
  const changes = { ...found, moves: false, unfinished: false, held };
  merge(old, fresh, changes);
  tick(old);
  return changes;
}

/** What the server has left out must be there. */
function isWhole(child, there) {
  return there.has(child.dataset.key) || !child.hasAttribute("data-same");
}

function keyed(parent) {
  return Array.from(parent.children).filter((child) => child.dataset.key);
}

function merge(old, fresh, changes) {
  const there = new Map(keyed(old).map((child) => [child.dataset.key, child]));
  const coming = keyed(fresh).filter((child) => isWhole(child, there));
  if (old === changes.held) return mergeInPlace(there, coming, changes);
  for (const child of there.values()) child.style.removeProperty("block-size");
  const wanted = coming.map((child) => settle(there.get(child.dataset.key), child, changes));
  const staying = new Set(wanted);
  for (const child of there.values())
    if (!staying.has(child) && child.isConnected && !isInUse(child)) {
      child.remove();
      changes.went.push(child);
    }
  arrange(old, wanted);
}

function mergeInPlace(there, wanted, changes) {
  changes.waiting = wanted.filter((child) => !there.has(child.dataset.key));
  const order = wanted.map((child) => child.dataset.key);
  const shown = Array.from(there.keys());
  const coming = new Set(order);
  const staying = shown.filter((key) => coming.has(key));
  changes.unfinished = order.join() !== shown.join();
  changes.moves = order.filter((key) => there.has(key)).join() !== staying.join();
  for (const child of wanted) {
    const old = there.get(child.dataset.key);
    if (!old) continue;
    if (drawn.get(old) === drawn.get(child)) continue;
    const height = old.getBoundingClientRect().height;
    const settled = settle(old, child, changes);
    if (settled !== old) settled.style.blockSize = `${height}px`;
  }
}

function settle(old, fresh, changes) {
  if (!old) {
    changes.came.push(fresh);
    return fresh;
  }
  if (drawn.get(old) === drawn.get(fresh) || isInUse(old)) return old;
  if (old.hasAttribute("data-into")) {
    copyAttributes(old, fresh);
    merge(old, fresh, changes);
    // What is still to come is a difference for the next time.
    if (old === changes.held && changes.unfinished) drawn.delete(old);
    else drawn.set(old, drawn.get(fresh));
    return old;
  }
  changes.changed.push(fresh);
  replace(old, fresh);
  return fresh;
}

/** Somebody is writing in it, or has it open. */
function isInUse(element) {
  return element.matches("dialog[open]") || element.querySelector("dialog[open]") !== null;
}

function copyAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  for (const { name } of Array.from(old.attributes))
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
}

/** The focus stays on the same thing, or on what stands in its place. */
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("[data-key]")?.dataset.key;
  old.replaceWith(fresh);
  if (!focused) return;
  const same = key && fresh.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (same || fresh.querySelector("a, button") || fresh).focus({ preventScroll: true });
}

/** Puts children in order around the one that has the focus, which must not be moved. */
function arrange(parent, wanted) {
  const fixed = wanted.findIndex((child) => child.contains(document.activeElement));
  const anchor = fixed < 0 ? null : wanted[fixed];
  let before = anchor;
  for (const child of wanted.slice(0, Math.max(fixed, 0)).reverse()) {
    if (child.nextElementSibling !== before) parent.insertBefore(child, before);
    before = child;
  }
  let last = anchor;
  for (const child of wanted.slice(fixed + 1)) {
    const next = last ? last.nextElementSibling : firstKeyed(parent);
    if (next !== child) parent.insertBefore(child, next);
    last = child;
  }
}

function firstKeyed(parent) {
  return keyed(parent)[0] ?? null;
}
