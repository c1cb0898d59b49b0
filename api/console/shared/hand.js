// Whether somebody has a hand in a list: a pointer over it, a finger on it, the focus in it, or one
// of these a moment ago. What is under a hand must not move.

const LINGERS = 2000;
const hovers = matchMedia("(hover: hover)");
const TOUCHES = [
  "pointerdown",
  "pointermove",
  "pointerup",
  "pointercancel",
  "pointerleave",
  "focusout",
];

export class Hand {
  #list;
  #lastIn = -Infinity;
  #wasIn = false;

  /** `left` is called once nobody has had a hand in it for a while. */
  constructor(list, left) {
    this.#list = list;
    for (const name of TOUCHES) list.addEventListener(name, () => this.#touch(), { passive: true });
    setInterval(() => this.#look(left), 250);
  }

  isIn() {
    if (document.hidden) return false;
    const pointed = hovers.matches && this.#list.matches(":hover");
    // What a click has left behind is no hand: only a focus that is shown is somebody's place.
    if (pointed || this.#list.querySelector(":focus-visible")) this.#touch();
    return performance.now() - this.#lastIn < LINGERS;
  }

  #touch() {
    this.#lastIn = performance.now();
  }

  #look(left) {
    const isIn = this.isIn();
    if (this.#wasIn && !isIn) left();
    this.#wasIn = isIn;
  }
}
