// What is wrong with a policy, in the words of its form: `levels/1/wait/urgent` is
// "Level 2, Urgent".

const FIELDS = {
  targets: "Tell",
  channels: "By",
  repeat: "Rounds of this level",
  wait: "Wait before the next round",
  accept_window: "Accept window",
  claim_lease: "Claim lease",
  email_delay: "Hold mail back",
  levels: "Levels",
};
const capital = (word) => word[0].toUpperCase() + word.slice(1);

const partsOf = (path) =>
  path
    .replace(/^(body|policy)\//, "")
    .replace(/^policy\//, "")
    .split("/");

/** `Level 2, Urgent: …`. The rules name a wait's priority, too: once is enough. */
export function inWords({ path, message }) {
  const [first, number, what, priority] = partsOf(path);
  if (first !== "levels" || number === undefined) return `${FIELDS[first] ?? first}: ${message}`;
  const field = what === "wait" && priority ? capital(priority) : (FIELDS[what] ?? what);
  const said = message.replace(new RegExp(`^${priority}: `), "");
  return `${[`Level ${Number(number) + 1}`, field].filter(Boolean).join(", ")}: ${said}`;
}

/** The form's control that a fault is about, if there is one. */
export function controlOf(form, { path }) {
  const [first, number, what, part] = partsOf(path);
  if (first !== "levels") return form.elements[first] ?? null;
  const level = form.querySelectorAll(".level")[Number(number)];
  const where = {
    wait: `[data-wait="${CSS.escape(part ?? "normal")}"]`,
    repeat: "[data-repeat]",
    channels: "[data-channel]",
    targets: "[data-kind]",
  };
  return level?.querySelector(where[what] ?? "input") ?? null;
}

/** Marks what is wrong and goes to the first of it. Answers with what to say. */
export function mark(form, faults) {
  clear(form);
  const controls = faults.map((fault) => controlOf(form, fault)).filter(Boolean);
  for (const control of controls) control.setAttribute("aria-invalid", "true");
  controls[0]?.focus();
  return faults.map(inWords);
}

/** Nothing is marked any more. */
export function clear(form) {
  for (const control of form.querySelectorAll("[aria-invalid]"))
    control.removeAttribute("aria-invalid");
}
