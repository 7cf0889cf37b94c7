import type { IconName } from "../states";

export const PATHS: Record<IconName, string> = {
  check: "M3 8.5l3.2 3L13 4.5",
  play: "M5 3.5l7 4.5-7 4.5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  dot: "M8 3.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9",
  cross: "M4 4l8 8M12 4l-8 8",
  stop: "M4 4h8v8H4z",
  skip: "M3.5 4l4.5 4-4.5 4M9 4l4.5 4L9 12",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3l2 1.5",
};

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
