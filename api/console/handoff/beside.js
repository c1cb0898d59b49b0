// The page in the queue's frame: the list's keys are the list's, whoever has the focus.

import { onKey, passKey, takeKeysOf } from "../shared/frame/keys.js";

const THEIRS = ["j", "k", "J", "K", "n", "b", "/", "Escape"];

/** Whether it stands there. */
export function isBeside() {
  return parent !== window;
}

export function shareKeysWithTheList() {
  for (const key of THEIRS) onKey(key, () => passKey(key, parent));
  takeKeysOf(() => parent);
}
