// What the form of a command says, in the shape that the command takes.

/** Fields that say nothing are left out; those that are `data-nullable` then say null. */
export function bodyOf(form) {
  const said = Object.fromEntries(new FormData(form));
  const minutes = Number(said.minutes);
  if (minutes) return { until: new Date(Date.now() + minutes * 60000).toISOString() };
  for (const { name } of form.querySelectorAll("[data-nullable]")) said[name] ||= null;
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ""));
}

/** Of these only what somebody has made different: the rest may be different by now, too. */
export function changesOf(form) {
  const said = Object.entries(bodyOf(form));
  return Object.fromEntries(said.filter(([name]) => !isAsDrawn(form.elements[name])));
}

function isAsDrawn(field) {
  if (!field.options) return field.value === field.defaultValue;
  const options = Array.from(field.options);
  const drawn = options.find((option) => option.defaultSelected) ?? options[0];
  return field.value === drawn.value;
}
