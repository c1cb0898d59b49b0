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
  #fingers = new Set();
  #lastIn = -Infinity;
  #wasIn = false;

  /** `left` is called once nobody has had a hand in it for a while. */
  constructor(list, left) {
    this.#list = list;
    for (const name of TOUCHES) list.addEventListener(name, () => this.#touch(), { passive: true });
    list.addEventListener("touchstart", (event) => this.#put(event), { passive: true });
    setInterval(() => this.#look(left), 250);
  }

  isIn() {
    // Of a page that was left nobody is told that the fingers are gone.
    if (document.hidden) this.#fingers.clear();
    if (document.hidden) return false;
    const pointed = hovers.matches && this.#list.matches(":hover");
    // What a click has left behind is no hand: only a focus that is shown is somebody's place.
    if (pointed || this.#fingers.size || this.#list.querySelector(":focus-visible")) this.#touch();
    return performance.now() - this.#lastIn < LINGERS;
  }

  #touch() {
    this.#lastIn = performance.now();
  }

  /**
   * A finger that pans or rests makes no pointer's events. Where it was put, there it is heard that it
   * is lifted: by what was replaced meanwhile, too.
   */
  #put({ target, changedTouches, touches }) {
    const present = Array.from(touches, (finger) => finger.identifier);
    this.#fingers = new Set(present.filter((one) => this.#fingers.has(one)));
    for (const finger of changedTouches) this.#fingers.add(finger.identifier);
    this.#touch();
    for (const name of ["touchend", "touchcancel"])
      target.addEventListener(name, this.#lift, { passive: true });
  }

  #lift = ({ changedTouches }) => {
    for (const finger of changedTouches) this.#fingers.delete(finger.identifier);
    this.#touch();
  };

  #look(left) {
    const isIn = this.isIn();
    if (this.#wasIn && !isIn) left();
    this.#wasIn = isIn;
  }
}
