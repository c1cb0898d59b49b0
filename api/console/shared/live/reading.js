// Reading again what a page shows, whenever it rings: one reading at a time, and what rings
// meanwhile is read right after it. What could not be read is asked for again by itself, less and
// less often; whoever wants to know hears whether what is shown is behind.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;

/** Many pages wait for the same: they do not all come in the same moment. */
function pauseAfter(failures) {
  const pause = Math.min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE);
  return pause * (0.8 + Math.random() * 0.4);
}

/** `read` is called by `again()`, as often as need be and never twice at once. */
export class Reading {
  #read;
  #wanted = false;
  #failures = 0;
  #timer = 0;

  constructor(read) {
    this.#read = read;
    this.underWay = false;
    this.isBehind = false;
    /** Called whenever it may have become behind, or not any more. */
    this.told = () => {};
  }

  async again() {
    this.#wanted = true;
    if (this.underWay) return;
    clearTimeout(this.#timer);
    this.underWay = true;
    while (this.#wanted) {
      this.#wanted = false;
      await this.#once();
    }
    this.underWay = false;
    if (this.#failures) this.#timer = setTimeout(() => this.again(), pauseAfter(this.#failures));
  }

  /** What is shown may be old: it is behind until what is under way was read. */
  doubt() {
    this.isBehind ||= this.underWay;
  }

  async #once() {
    try {
      await this.#read();
      this.#failures = 0;
    } catch {
      this.#failures += 1;
    }
    if (this.#failures) this.isBehind = true;
    else if (!this.#wanted) this.isBehind = false;
    this.told();
  }
}
