// Lengths of time as people write and read them: `90s`, `15m`, `1h30m`, `2d`.

/** Seconds, written short and so that it can be sent back. */
export function written(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds * 1000) / 1000;
  for (const [size, unit] of [
    [86400, "d"],
    [3600, "h"],
    [60, "m"],
  ])
    if (whole >= size && whole % size === 0) return `${whole / size}${unit}`;
  if (whole > 3600 && whole % 60 === 0)
    return `${Math.floor(whole / 3600)}h${(whole % 3600) / 60}m`;
  return `${whole}s`;
}

/** Seconds, said: `1 min 30 s`, `2 h 5 min`, `3 d`. */
export function said(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : whole} s`;
  const parts = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = parts.findIndex(([size]) => whole >= size);
  const [[size, unit], [small, lesser]] = parts.slice(first, first + 2);
  const rest = Math.floor((whole % size) / small);
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${lesser}` : ""}`;
}
