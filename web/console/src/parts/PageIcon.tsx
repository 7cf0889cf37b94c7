/** The pictures of the pages, in the sidebar and in the palette: 16 × 16, one stroke. */

const PATHS = {
  now: "M2 9h3l2-5 3 8 2-3h2",
  pipelines: "M2.5 3.5h4v3h-4zM9.5 9.5h4v3h-4zM6.5 5h2.5a1 1 0 0 1 1 1v3.5",
  play: "M5 3.5l7 4.5-7 4.5z",
  parked: "M5.5 3.5v9M10.5 3.5v9",
  calendar: "M2.5 4h11v9.5h-11zM2.5 7h11M5.5 2.5V5M10.5 2.5V5",
  hook: "M6 3.5a2.5 2.5 0 1 1 3.4 2.3l2 3.7M4.6 12.5A2.5 2.5 0 1 1 4 8.2L6 5M7 11h4.5a2 2 0 1 1-1.3 2.5",
  send: "M2.5 8L13.5 3l-4 10.5-2.5-4.5z",
  actions: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM11.25 9v4.5M9 11.25h4.5",
  shield: "M8 2l5 2v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4z",
  system: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  book: "M4 2.5h6.5L13 5v8.5H4zM6.5 7h4M6.5 10h4",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
} as const;

export type PageIconName = keyof typeof PATHS;

export function PageIcon({ name }: { name: PageIconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
