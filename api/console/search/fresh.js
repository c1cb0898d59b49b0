// What the list shows is read again when it rings: rows change in their places, and what has come
// since is offered above them. Nothing is moved or taken out.

import { learnTime } from "../shared/clocks.js";
import { element } from "../shared/dom.js";
import { Hand } from "../shared/hand.js";
import { live } from "../shared/live/live.js";
import { Reading } from "../shared/live/reading.js";
import { refresh, remember } from "../shared/pieces.js";
import { readPiece } from "../shared/server.js";

const AT_ONCE = 100;

/**
 * `list.shown()`: the address of what is shown, null where there was no answer; `again()` asks anew
 * for what is wanted, `replace(piece)` puts a piece in the place of all.
 */
export function keepFresh(found, list) {
  const rung = new Set();
  let everything = false;
  const button = element("button", { type: "button", class: "button strong" });
  const newer = element("p", { class: "held" }, button);
  button.addEventListener("click", () => {
    list.again();
    scrollTo(0, 0);
  });

  const rows = (root = found) => Array.from(root.querySelectorAll(".find"));
  const keys = () => rows().map((row) => row.dataset.key);

  const reading = new Reading(async () => {
    if (document.hidden) return;
    const address = list.shown();
    if (!address) return list.again();
    const concerned = keys().filter((key) => everything || rung.has(key));
    const others = everything || rung.size > concerned.length;
    rung.clear();
    everything = false;
    try {
      for (let at = 0; at < concerned.length; at += AT_ONCE)
        await change(address, concerned.slice(at, at + AT_ONCE));
      if (others) await lookForNew(address);
    } catch (fault) {
      everything = true;
      throw fault;
    }
  });

  async function read(address, some = "") {
    const isFirst = some && !address.includes("?");
    const piece = await readPiece(`/console${address}${isFirst ? "?" : ""}${some}`);
    if (list.shown() !== address) return null;
    learnTime(piece.querySelector("[data-now]").dataset.now);
    return piece;
  }

  async function change(address, some) {
    const piece = await read(address, some.map((key) => `&row=${key}`).join(""));
    if (!piece) return;
    const shown = document.getElementById("finds");
    refresh(shown, piece.querySelector("#finds"), shown);
    if (!hand.isIn()) loosen();
  }

  /** What has come is offered; in an empty list nothing moves. */
  async function lookForNew(address) {
    const piece = await read(address);
    if (!piece) return;
    const shown = new Set(keys());
    const many = cameInto(piece, shown);
    if (shown.size || !many) return offer(many);
    remember(piece);
    list.replace(piece, address);
  }

  /** How many; what follows on a full page's last known row was there and is not loaded yet. */
  function cameInto(piece, shown) {
    const isKnown = rows(piece).map((row) => shown.has(row.dataset.key));
    const isFull = piece.querySelector("#more") && isKnown.includes(true);
    const end = isFull ? isKnown.lastIndexOf(true) : isKnown.length;
    return isKnown.slice(0, end).filter((known) => !known).length;
  }

  function offer(many) {
    button.textContent = `${many} new: show`;
    if (!many) newer.remove();
    else if (!newer.isConnected) found.prepend(newer);
  }

  /** Rows keep their heights while somebody has a hand in them. */
  function loosen() {
    for (const row of rows()) row.style.removeProperty("block-size");
  }

  const hand = new Hand(found, loosen);

  live.addEventListener("bell", ({ detail }) => {
    if (detail.subject) rung.add(detail.subject);
    else everything = true;
    reading.again();
  });
}
