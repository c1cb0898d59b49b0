// One command for all that are picked: the bar that offers it, and what became of each in its row.

import { announce } from "../shared/announce.js";
import { bodyOf } from "../shared/asked.js";
import { sayingSo, whileBusy } from "../shared/busy.js";
import { dropDrafts, keepDrafts } from "../shared/drafts.js";
import { reason, send } from "../shared/server.js";
import { isLong } from "./search.js";
import { Selection } from "./selection.js";

const AT_ONCE = 100;
const SEEN_AFTER = 2000;
const AGAIN = (status) => status >= 500 || [0, 401, 429].includes(status);

const bar = document.getElementById("picked");
const part = (name) => bar?.querySelector(`[data-part="${name}"]`);

function portions(keys) {
  const count = Math.ceil(keys.length / AT_ONCE);
  return Array.from({ length: count }, (_, at) => keys.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
}

export class Many {
  #notes;
  #claims;
  #read;
  #unseen = new Set();
  #said = "";
  #watcher = new IntersectionObserver((seen) => seen.forEach((one) => this.#look(one)), {
    threshold: 0.6,
  });

  /** `rows` gives the present ones, `notes` says what became of a row, `claims` takes back a claim,
   * `read` brings all up to date. */
  constructor({ rows, notes, claims, read }) {
    this.selection = new Selection(rows, () => this.#show());
    this.rows = rows;
    this.#notes = notes;
    this.#claims = claims;
    this.#read = read;
    bar?.addEventListener("click", (event) => this.#press(event.target.closest("button")));
    for (const form of document.querySelectorAll("dialog form[data-command]")) {
      keepDrafts(form, "queue");
      form.addEventListener("submit", (event) => this.#submit(event));
    }
  }

  /** Whether somebody still has to do with this row: it is picked, or its result was not seen. */
  concerns(row) {
    return this.selection.has(row) || this.#unseen.has(row.dataset.key);
  }

  /** Whether anything was done by it: else the key means the one row that has the focus. */
  give(command) {
    if (!this.selection.size) return false;
    part("acts").querySelector(`[data-many="${command}"]`).click();
    return true;
  }

  /** Lets all go, and takes back what is said of results. Answers whether there was anything. */
  clear() {
    const was = this.selection.size || this.#said;
    for (const key of this.#unseen) this.#notes.say(key, "");
    this.#unseen.clear();
    this.#said = "";
    this.selection.keep([]);
    return Boolean(was);
  }

  focus() {
    if (!bar.hidden) bar.querySelector("button:not([hidden])").focus();
  }

  #press(button) {
    if (!button) return;
    const { many, part: name } = button.dataset;
    const dialog = many && document.getElementById(`${many}-dialog`);
    if (name === "all") this.selection.all();
    else if (name === "clear") this.clear();
    else if (dialog) this.#open(dialog);
    else if (many) this.#give(many, {}, button);
  }

  #open(dialog) {
    const many = this.selection.size;
    dialog.querySelector("[data-how-many]").textContent =
      many === 1 ? "One handoff" : `${many} handoffs`;
    dialog.querySelector(".problem").textContent = "";
    dialog.showModal();
  }

  async #submit(event) {
    event.preventDefault();
    const form = event.target;
    const body = bodyOf(form);
    if (body.team_id === "none") body.team_id = null;
    const problem = form.querySelector(".problem");
    problem.textContent = "";
    const refused = await this.#give(form.dataset.command, body, event.submitter);
    if (refused) problem.textContent = refused;
    else if (refused === null) {
      form.closest("dialog").close();
      if (!this.selection.size) this.#forget(form);
    }
  }

  /** What was said has arrived; for those that stay picked, to be tried again, it is kept. */
  #forget(form) {
    form.reset();
    dropDrafts(form);
  }

  /** Answers with why the command itself was refused: then nothing was done. Null where it was not,
   * and nothing where the button was busy. */
  async #give(command, body, button) {
    const keys = this.selection.keys;
    const tags = new Map(this.rows().map(({ dataset }) => [dataset.key, dataset.tag]));
    const answers = await whileBusy(button, () =>
      sayingSo(
        (text) => this.#say(text),
        () => this.#ask(command, body, keys),
      ),
    );
    if (!answers) return undefined;
    const [first] = answers;
    if (first.status === 422) return reason(first);
    const results = answers.flatMap((answer) => this.#results(answer));
    this.#tell(results);
    for (const { id, status } of results) {
      if (status === 200 && command === "claim") this.#claims.offerUndo(id);
      const done = () => this.#drop(id, button.form);
      if (!status) this.#notes.lose(id, command, { tag: tags.get(id), done });
    }
    this.#read();
    return null;
  }

  /** A hundred at a time; where the command itself is refused, the rest is not asked. */
  async #ask(command, body, keys) {
    const answers = [];
    for (const ids of portions(keys)) {
      const answer = await send("POST", "/ai-sessions/handoffs/bulk", { command, ids, ...body });
      answers.push({ ...answer, ids });
      if (answer.status === 422) break;
    }
    return answers;
  }

  #results(answer) {
    if (answer.ok) return answer.body;
    const { ids, status, body } = answer;
    return ids.map((id) => ({ id, status, problem: body }));
  }

  #tell(results) {
    for (const { id, status, problem } of results) {
      this.#unseen.add(id);
      this.#notes.begin(id);
      const good = status === 200;
      this.#notes.say(id, problem ? told(problem) : "Done", { good, lasts: true });
    }
    this.#said = counted(results);
    announce(this.#said);
    this.selection.keep(results.filter((one) => AGAIN(one.status)).map((one) => one.id));
    this.#watch();
  }

  /** It was done after all, and is not to be tried again. */
  #drop(key, form) {
    this.selection.keep(this.selection.keys.filter((one) => one !== key));
    if (form && !this.selection.size) this.#forget(form);
  }

  #watch() {
    for (const row of this.rows())
      if (this.#unseen.has(row.dataset.key)) this.#watcher.observe(row);
  }

  /** Seen is what stood on the screen, of a page that somebody looks at, for a moment. */
  #look({ isIntersecting, target }) {
    if (!isIntersecting) return;
    setTimeout(() => {
      const { top, bottom } = target.getBoundingClientRect();
      const stands = target.isConnected && top < innerHeight && bottom > 0 && !document.hidden;
      if (!stands) return;
      this.#unseen.delete(target.dataset.key);
      this.#watcher.unobserve(target);
    }, SEEN_AFTER);
  }

  /** Rows are drawn anew by the server. */
  redraw() {
    this.selection.redraw();
    this.#watch();
  }

  #say(text) {
    part("count").textContent = text;
  }

  #show() {
    if (!bar) return;
    const { size, pickable } = this.selection;
    if (size) this.#said = "";
    bar.hidden = !size && !this.#said;
    this.#say(this.#said || `${size} selected`);
    part("acts").hidden = !size;
    part("all").hidden = !size || pickable.every((row) => this.selection.has(row));
    part("all").textContent = `Select all ${pickable.length} ${isLong() ? "shown" : "that match"}`;
    document.body.classList.toggle("picking", !bar.hidden);
  }
}

function counted(results) {
  const done = results.filter(({ status }) => status === 200).length;
  const unknown = results.filter(({ status }) => !status).length;
  const not = results.length - done - unknown;
  const parts = [`${done} done`];
  if (not) parts.push(`${not} not`);
  if (unknown) parts.push(`${unknown} not known yet`);
  return parts.length > 1 ? `${parts.join(", ")}: see the rows` : parts[0];
}

function told(problem) {
  const { claimed_by: by } = problem;
  return by ? `${by.name} has it` : reason({ body: problem });
}
