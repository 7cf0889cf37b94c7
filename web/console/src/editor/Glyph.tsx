/** The picture of an action, by the name and colour that its metadata give it. */

const PATHS = {
  globe: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M2.5 8h11M8 2.5c3 3 3 8 0 11-3-3-3-8 0-11",
  bell: "M4 11V7a4 4 0 0 1 8 0v4l1 1H3zM7 14h2",
  branch: "M5 3v10M5 6c0 3 6 1 6 4M11 10v3",
  swap: "M3 6h9l-2-2M13 10H4l2 2",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3l2 1.5",
  check: "M3 8.5l3.2 3L13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  stack: "M8 3l5 2.5L8 8 3 5.5zM3 8l5 2.5L13 8",
  note: "M4 2.5h6l2.5 2.5v8.5H4zM6 7h5M6 10h5",
  box: "M3 4.5h10v7H3zM3 8h10",
  repeat: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  shield: "M8 2l5 2v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4z",
  rocket: "M6 10l-2 3 3-2M6 10c0-4 2-7 7-7 0 5-3 7-7 7z",
  chart: "M3 13V8M8 13V3M13 13V6",
  key: "M10 6a2.5 2.5 0 1 0-2.3 2.5L4 12.5V14h2v-1.5h1.5V11H9V9.2",
  out: "M7 3.5H3.5v9h9V9M9.5 3h3.5v3.5M13 3L7.5 8.5",
  funnel: "M2.5 3.5h11L9.5 8.5V13l-3-1.5v-3z",
  stop: "M4 4h8v8H4z",
  block: "M2.5 3.5h4v3h-4zM9.5 9.5h4v3h-4zM6.5 5H9a1 1 0 0 1 1 1v3.5",
  dot: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 1 0 0-5",
} as const;

type Picture = keyof typeof PATHS;

/** Words that names of icons are made of, and the picture for each. */
const WORDS: Record<string, Picture> = {
  git: "branch",
  flow: "branch",
  user: "check",
  circle: "dot",
  x: "cross",
  trash: "cross",
  timer: "clock",
  calculator: "chart",
  trending: "chart",
  heart: "chart",
  beaker: "funnel",
  file: "note",
  link: "out",
  arrow: "out",
  arrows: "swap",
  refresh: "repeat",
  rotate: "repeat",
  database: "box",
  server: "box",
  cloud: "box",
};

function pictureOf(icon: string): Picture {
  const words = icon.toLowerCase().split("-");
  const exact = words.find((word): word is Picture => word in PATHS);
  return exact ?? WORDS[words.find((word) => word in WORDS) ?? ""] ?? "dot";
}

const COLOUR = /^#[0-9a-f]{6}$/i;

export function Glyph({ icon, color }: { icon: string; color?: string | undefined }) {
  const background = color && COLOUR.test(color) ? color : undefined;
  return (
    <span className="glyph" style={background ? { background } : undefined} aria-hidden="true">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={PATHS[pictureOf(icon)]} />
      </svg>
    </span>
  );
}
