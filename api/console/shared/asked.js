// What the form of a command says, in the shape that the command takes.

/** Fields that say nothing are left out; those that are `data-nullable` then say null. */
export function bodyOf(form) {
  const said = Object.fromEntries(new FormData(form));
  const minutes = Number(said.minutes);
  if (minutes) return { until: new Date(Date.now() + minutes * 60000).toISOString() };
  for (const { name } of form.querySelectorAll("[data-nullable]")) said[name] ||= null;
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ""));
}
