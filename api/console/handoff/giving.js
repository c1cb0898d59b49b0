// Commands that the page gives: what became of each, and what nobody knows yet.

import { sayingSo, whileBusy } from "../shared/busy.js";
import { newKey, reason, send } from "../shared/server.js";

const LOST = "No answer came, so nobody knows yet. Looking again…";
const NOT_SEEN = "It seems not to have arrived. Try again: it is done once at most.";

const MOMENT = 5000;

/** Whether it is certain what became of a request. */
function isKnown({ ok, status, body }) {
  const isRefused = status >= 400 && status < 500 && status !== 429;
  return ok || (isRefused && body.type !== "/problems/request-in-flight");
}

export class Giving {
  #path;
  #read;
  #keys = new Map();
  #passing = new Map();

  /** `read` brings the page up to date. */
  constructor(path, read) {
    this.#path = path;
    this.#read = read;
  }

  /** Whether it was done. The same words bear the same key until it is known what became of them:
   * given again after a lost answer, they are not said twice. */
  async give(command, body, { button, problem }) {
    const said = JSON.stringify([command, body]);
    const answer = await whileBusy(button, () => {
      this.#say(problem, "");
      if (!this.#keys.has(said)) this.#keys.set(said, newKey());
      const late = (text) => (problem.textContent = text);
      const path = `${this.#path}/${command}`;
      return sayingSo(late, () => send("POST", path, body, this.#keys.get(said)));
    });
    if (!answer) return false;
    if (isKnown(answer)) this.#keys.delete(said);
    this.#say(problem, answer.ok ? "" : reason(answer));
    if (answer.isLost) this.#sayForNow(problem, LOST, command);
    else if (!answer.status) this.#sayForNow(problem, reason(answer));
    this.#read();
    return answer.ok;
  }

  /** Stands for a moment. */
  remark(problem, text) {
    this.#say(problem, text);
    setTimeout(() => problem.textContent === text && this.#say(problem, ""), MOMENT);
  }

  /** To be called before the page is read; what it answers with, once it shows what was read. */
  beforeReading() {
    const asked = Array.from(this.#passing);
    return (story) => {
      for (const [problem, said] of asked)
        if (this.#passing.get(problem) === said) this.#findOut(problem, said.command, story);
    };
  }

  /** What can be given no longer was done, or is overtaken: the page says which. */
  #findOut(problem, command, story) {
    const isOffered =
      command === "notes" || story.querySelector(`.commands [data-key="${command}"]`);
    this.#say(problem, command && isOffered ? NOT_SEEN : "");
    if (command && !isOffered) problem.closest("dialog")?.close();
  }

  #say(problem, text) {
    this.#passing.delete(problem);
    problem.textContent = text;
  }

  #sayForNow(problem, text, command = null) {
    problem.textContent = text;
    this.#passing.set(problem, { command });
  }
}
