// A hand that is on its way to a button presses what stands there when it arrives. What has just come
// there, or says something else by now, was not meant.

const REACTS = 700;

export class Steady {
  #root;
  #movedAt = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** Draws, and notes which of the buttons that act at once have come, moved or changed by it. */
  whileDrawing(draw) {
    const before = this.#places();
    const drawn = draw();
    for (const [key, place] of this.#places())
      if (before.get(key) !== place) this.#movedAt.set(key, performance.now());
    return drawn;
  }

  /** Whether this click can be meant: keys mean a command wherever its button stands. */
  isMeant({ detail }, button) {
    const movedAt = this.#movedAt.get(button.dataset.key) ?? -Infinity;
    return detail === 0 || performance.now() - movedAt > REACTS;
  }

  #places() {
    const buttons = Array.from(this.#root.querySelectorAll("button[data-command]"));
    return new Map(buttons.map((button) => [button.dataset.key, placeOf(button)]));
  }
}

function placeOf(button) {
  const { x, y } = button.getBoundingClientRect();
  return `${Math.round(x)} ${Math.round(y)} ${button.textContent}`;
}
