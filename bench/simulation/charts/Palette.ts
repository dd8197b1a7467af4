/**
 * Colours and hatches, by what they stand for. What is drawn as areas differs in lightness as well, what is drawn as lines in its
 * dashes too, so that no reader needs to tell hues apart. Colours are classes: the page decides about light, dark and
 * paper.
 */

/** Light ground and paper, dark ground. */
type Colours = readonly [light: string, dark: string]

const lines: Readonly<Record<string, readonly [...Colours, dash: string]>> = {
  naive: ["#d55e00", "#ff8a47", "7 3"],
  retry: ["#6b5200", "#e6c35c", "2 3"],
  plan: ["#a8487e", "#e08fb8", "10 3 2 3"],
  article: ["#2a8fc7", "#56b4e9", "4 2"],
  relay: ["#0b3d91", "#ffffff", "none"],
  oracle: ["#1a1a1a", "#a0a0a0", "1 2"],
  p50: ["#2a8fc7", "#56b4e9", "none"],
  p99: ["#6b5200", "#e6c35c", "none"]
}

const areas: Readonly<Record<string, Colours>> = {
  answered: ["#3d7fb5", "#3d7fb5"],
  cached: ["#c4e0f3", "#b9dcf2"],
  limited: ["#e39a00", "#e09a1a"],
  failed: ["#5c1010", "#5a1616"],
  B: ["#1f4e8c", "#2a5aa0"],
  C: ["#8cc4ea", "#a6d4f4"],
  D: ["#0f8a6a", "#17916f"],
  A: ["#f7c08a", "#f2a765"],
  Healthy: ["#e3ece6", "#2c3a34"],
  closed: ["#e3ece6", "#2c3a34"],
  Recovering: ["#a9cbe6", "#3f6f9c"],
  "half-open": ["#a9cbe6", "#3f6f9c"],
  Degraded: ["#e0a526", "#e0a526"],
  Paused: ["#8a6fb0", "#9a78c8"],
  Open: ["#8f1d1d", "#ffb9a6"],
  open: ["#8f1d1d", "#ffb9a6"],
  Exhausted: ["#1c1c1c", "#ffffff"]
}

/** What is hatched, and how. */
const hatches: Readonly<Record<string, string>> = {
  limited: "M0 6 6 0",
  A: "M0 0 6 6",
  D: "M3 0V6",
  Degraded: "M0 6 6 0",
  Paused: "M0 3H6",
  Exhausted: "M0 0 6 6M0 6 6 0"
}

const names = Object.keys(areas)

/** Some names have what no class may have. */
const classOf = (name: string): string => name.replace(/\W/g, "")

export const line = (name: string): string => `line l-${classOf(name)}`

export const area = (name: string): string => `f-${classOf(name)}`

const ofGround = (dark: boolean): string => {
  const place = dark ? 1 : 0
  return [
    ...Object.entries(lines).map(([name, { [place]: colour }]) => `.l-${classOf(name)}{stroke:${colour}}`),
    ...Object.entries(lines).map(([name, { [place]: colour }]) => `.t-${classOf(name)}{fill:${colour}}`),
    ...names.map((name) => `.${name in hatches ? "g" : "f"}-${classOf(name)}{fill:${areas[name]![place]}}`)
  ].join("")
}

const grounds = {
  light: ".ground{fill:#fff}.ink{fill:#1a1a1a}.faint{fill:#5a5a5a}.grid{stroke:#ddd}.hatch{stroke:#fff9}" +
    ".f-Healthy,.f-closed,.key{stroke:#9aa}",
  dark: ".ground{fill:#161b22}.ink{fill:#e6e6e6}.faint{fill:#a8a8a8}.grid{stroke:#333b45}.hatch{stroke:#0009}"
}

/** What the classes look like. */
export const style = [
  "svg{font:13px system-ui,sans-serif}",
  ".line{fill:none;stroke-width:1.6;stroke-linejoin:round;vector-effect:non-scaling-stroke}.l-relay{stroke-width:2.4}",
  ".l-p50,.l-p99{stroke-width:1}.hatch{fill:none;stroke-width:1.4}",
  ...Object.entries(lines).map(([name, [, , dash]]) => `.l-${classOf(name)}{stroke-dasharray:${dash}}`),
  ...Object.keys(hatches).map((name) => `.f-${classOf(name)}{fill:url(#h-${classOf(name)})}`),
  grounds.light,
  ofGround(false),
  `@media (prefers-color-scheme:dark){${grounds.dark}${ofGround(true)}}`,
  `@media print{${grounds.light}${ofGround(false)}}`
].join("")

/** The hatches, for areas that are drawn at a scale; they have to stand once wherever the charts do. */
export const hatching = (x: number, y: number): string =>
  `<defs>${
    Object.entries(hatches).map(([name, path]) =>
      `<pattern id="h-${classOf(name)}" width="6" height="6" patternUnits="userSpaceOnUse" ` +
      `patternTransform="scale(${Number((1 / x).toPrecision(6))} ${Number((1 / y).toPrecision(6))})">` +
      `<rect width="6" height="6" class="g-${classOf(name)}"/><path d="${path}" class="hatch"/></pattern>`
    ).join("")
  }</defs>`
