// Files of the session: pictures shown small, opened large; texts opened in the reader; taken away.
// What the server sends is an attachment: it is shown here as what its bytes are, or not at all.

import { whileBusy } from "../shared/busy.js";
import { element } from "../shared/dom.js";
import { reason, send } from "../shared/server.js";
import { forgetText, showText } from "./reader.js";

const WITHIN = 60000;
const pictures = new Map();

async function fetched(path, ...aborted) {
  const signal = AbortSignal.any([AbortSignal.timeout(WITHIN), ...aborted]);
  const response = await fetch(path, { signal });
  if (response.status === 404) throw new Error("It was removed.");
  if (!response.ok) throw new Error("It could not be fetched. Try again.");
  return response;
}

/** The address of a picture's bytes in this tab; they are fetched once. */
function picture(path) {
  if (!pictures.has(path)) {
    const made = fetched(path)
      .then((response) => response.blob())
      .then((blob) => URL.createObjectURL(blob));
    made.catch(() => pictures.delete(path));
    pictures.set(path, made);
  }
  return pictures.get(path);
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    small(target).catch(() => {});
  }
});

async function small(button) {
  const image = element("img", {
    class: "small",
    alt: "",
    src: await picture(button.dataset.file),
  });
  // What only pretends to be a picture shows none.
  await image.decode();
  button.querySelector("svg")?.replaceWith(image);
}

/** Pictures below `root` get their small picture as soon as they can be seen. */
export function showSmall(root) {
  for (const button of root.querySelectorAll('[data-kind="picture"]:not(:has(img))'))
    seen.observe(button);
}

/** What each shows once it has come; nothing where something else is looked at by then. */
const openers = {
  async picture(path, name, looked) {
    const place = document.getElementById("picture");
    place.replaceChildren();
    const image = element("img", { alt: name, src: await picture(path) });
    await image.decode().catch(() => {
      throw new Error("It cannot be shown. Download it.");
    });
    if (!looked.aborted) place.replaceChildren(image);
  },
  async text(path, name, looked) {
    forgetText();
    const response = await fetched(path, looked);
    const charset = /charset=([\w-]+)/.exec(response.headers.get("Content-Type"))?.[1];
    const bytes = await response.arrayBuffer();
    if (looked.aborted) return;
    showText(new TextDecoder(charset ?? "utf-8").decode(bytes));
    document.getElementById("text-lines").focus();
  },
};

let opened = { dialog: null, looked: new AbortController() };

/** Opens the file that the button names. */
export async function openFile({ file, kind, name }) {
  const dialog = document.getElementById(`${kind}-dialog`);
  const problem = dialog.querySelector(".problem");
  dialog.querySelector("h2").textContent = name;
  problem.textContent = "";
  opened.looked.abort();
  const looked = new AbortController();
  opened = { dialog, looked };
  dialog.showModal();
  try {
    await openers[kind](file, name, looked.signal);
  } catch (fault) {
    if (looked.signal.aborted) return;
    problem.textContent =
      fault.name === "Error" ? fault.message : "It could not be fetched. Try again.";
  }
}

/** Asks first, then takes it away; `done` is called when it is gone. */
export function removeFile({ remove, name }, done) {
  const dialog = document.getElementById("remove-dialog");
  const form = dialog.querySelector("form");
  const problem = form.querySelector(".problem");
  document.getElementById("remove-name").textContent = name;
  problem.textContent = "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    const answer = await whileBusy(event.submitter, () => send("DELETE", remove));
    if (!answer) return;
    if (!answer.ok && answer.status !== 404) {
      problem.textContent = reason(answer);
      return;
    }
    dialog.close();
    done();
  };
  dialog.showModal();
}

/** Of what was looked at nothing stays, and nothing comes any more. */
function closed({ target }) {
  // It may have been opened again before it is said to have closed.
  if (target.open || target !== opened.dialog) return;
  opened.looked.abort();
  forgetText();
  document.getElementById("picture").replaceChildren();
}

for (const kind of Object.keys(openers))
  document.getElementById(`${kind}-dialog`).addEventListener("close", closed);
