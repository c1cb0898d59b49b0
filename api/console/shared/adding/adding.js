// Files on their way to a session: picked, dropped or pasted, or a text that is too long. Each can be
// called off and tried again.

import { announce } from "../announce.js";
import { whileBusy } from "../busy.js";
import { element } from "../dom.js";
import { newKey, reason, send } from "../server.js";

const MOST_BYTES = 10 * 1024 * 1024;
const AT_ONCE = 2;

/** A file's name as a header carries it, by RFC 8187. */
function disposition(name) {
  const quoted = encodeURIComponent(name.toWellFormed?.() ?? name).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename*=UTF-8''${quoted}`;
}

/** The files that go with one form's text. They wait while there is no `path` to send them to;
 * `arrived` is called after each. Without a path at first they are there for the text alone: what
 * is left out of it does not stay on the session. */
export class Adding {
  #path;
  #isTakenAway;
  #list;
  #arrived;
  #settled = () => {};
  #running = 0;
  #files = [];

  constructor(form, { path = null, arrived = () => {} } = {}) {
    this.#path = path;
    this.#isTakenAway = !path;
    this.#list = form.querySelector("[data-adding]");
    this.#arrived = arrived;
    this.#offerAsFile(form);
    const picker = form.querySelector("input[type=file]");
    form.querySelector("[data-picks]").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      this.add(picker.files);
      picker.value = "";
    });
    form.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    form.addEventListener("drop", (event) => {
      form.classList.remove("over-it");
      this.#take(event, event.dataTransfer);
    });
    form.addEventListener("dragleave", () => form.classList.remove("over-it"));
    form.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      form.classList.add("over-it");
    });
  }

  /** The ids of those that have arrived. */
  get ids() {
    return this.#files.filter((one) => one.id).map((one) => one.id);
  }

  /** What to do before the text can go; nothing where all have arrived. */
  get missing() {
    if (this.#has("waits", "runs")) return "A file is still on its way. Wait for it, or cancel it.";
    if (this.#has("failed")) return "A file did not arrive. Try it again, or leave it out.";
    return "";
  }

  /** Sends to `path` what waits, and once more what went elsewhere; until none is on its way. */
  async sendTo(path) {
    if (path !== this.#path) {
      this.#path = path;
      for (const one of this.#files) {
        one.key = newKey();
        if (one.state === "there") this.#wait(one);
      }
    }
    const settled = new Promise((resolve) => (this.#settled = resolve));
    this.#next();
    await settled;
  }

  /** They went with the text. */
  clear() {
    this.#files = [];
    this.#list.replaceChildren();
  }

  add(files) {
    for (const file of files) this.#begin({ file, key: newKey() });
    this.#next();
  }

  #take(event, data) {
    if (!data?.files.length) return;
    event.preventDefault();
    this.add(data.files);
  }

  #has(...states) {
    return this.#files.some((one) => states.includes(one.state));
  }

  /** What is over the limit that the form counts to becomes a file, and its first line stays. */
  #offerAsFile(form) {
    const text = form.querySelector("textarea");
    const button = form.querySelector("[data-as-file]");
    const most = Number(form.querySelector("[data-counts]").dataset.counts);
    const offer = () => (button.hidden = new TextEncoder().encode(text.value).length <= most);
    text.addEventListener("input", offer);
    button.addEventListener("click", () => {
      this.add([new File([text.value], "note.txt", { type: "text/plain" })]);
      [text.value] = text.value.trim().slice(0, 200).split("\n");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    });
    offer();
  }

  #begin(one) {
    one.bar = element("progress", { max: 1, value: 0, "aria-label": one.file.name });
    one.said = element("span", { class: "faint", role: "status" });
    one.again = element("button", { type: "button", class: "plain", hidden: true }, "Try again");
    one.away = element("button", { type: "button", class: "plain" });
    one.again.addEventListener("click", () => {
      this.#wait(one);
      this.#next();
    });
    one.away.addEventListener("click", () => this.#drop(one));
    one.row = element(
      "li",
      {},
      element("bdi", {}, one.file.name),
      one.bar,
      one.said,
      one.again,
      one.away,
    );
    this.#list.append(one.row);
    this.#files.push(one);
    this.#wait(one);
    if (one.file.size > MOST_BYTES) this.#fail(one, "It has more than 10 MiB.", false);
    else if (!one.file.size) this.#fail(one, "It is empty.", false);
  }

  #wait(one) {
    one.state = "waits";
    one.id = null;
    one.away.textContent = this.#path ? "Cancel" : "Leave out";
    one.said.textContent = this.#path ? "" : "goes with it";
    one.bar.hidden = !this.#path;
    one.again.hidden = true;
  }

  #next() {
    if (!this.#path) return;
    if (!this.#has("waits", "runs")) this.#settled();
    const waiting = this.#files.filter((one) => one.state === "waits");
    for (const one of waiting.slice(0, AT_ONCE - this.#running)) this.#send(one);
  }

  #send(one) {
    this.#running += 1;
    one.state = "runs";
    one.bar.hidden = false;
    one.said.textContent = "";
    one.away.textContent = "Cancel";
    const request = (one.request = new XMLHttpRequest());
    request.open("POST", this.#path);
    request.setRequestHeader("Content-Disposition", disposition(one.file.name));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", one.key);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      one.bar.value = total ? loaded / total : 0;
    });
    request.addEventListener("loadend", () => {
      this.#running -= 1;
      if (one.state === "runs") this.#ended(one, request);
      this.#next();
    });
    request.send(one.file);
  }

  #ended(one, request) {
    let body = {};
    try {
      body = JSON.parse(request.responseText);
    } catch {
      // There was no answer, or none of ours.
    }
    if (request.status !== 201) {
      const why = request.status ? reason({ body }) : "It did not arrive.";
      const isFinal = [403, 404, 409, 413, 422].includes(request.status);
      this.#fail(one, why, !isFinal || body.type === "/problems/request-in-flight");
      return;
    }
    one.state = "there";
    one.id = body.id;
    one.bar.hidden = true;
    one.said.textContent = "attached";
    one.away.textContent = "Leave out";
    announce(`${one.file.name} is attached`);
    this.#arrived();
  }

  #fail(one, why, mayTryAgain) {
    one.state = "failed";
    one.bar.hidden = true;
    one.said.textContent = why;
    one.again.hidden = !mayTryAgain;
    one.away.textContent = "Leave out";
  }

  async #drop(one) {
    const { state, request } = one;
    if (state === "there" && this.#isTakenAway && !(await this.#takeAway(one))) return;
    one.state = "dropped";
    if (state === "runs") request.abort();
    one.row.remove();
    this.#files = this.#files.filter((other) => other !== one);
    this.#next();
  }

  /** From the session that it has reached; whether it is gone. */
  async #takeAway(one) {
    const answer = await whileBusy(one.away, () => send("DELETE", `${this.#path}/${one.id}`));
    const isGone = Boolean(answer) && (answer.ok || answer.status === 404);
    if (answer && !isGone) one.said.textContent = reason(answer);
    return isGone;
  }
}
