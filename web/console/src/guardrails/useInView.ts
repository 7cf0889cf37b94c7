import { type RefObject, useEffect, useRef } from "react";

/** Something that one has waited for comes into sight, unless one is typing elsewhere meanwhile. */
export function useInView(): RefObject<HTMLElement | null> {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (document.activeElement?.matches("input, textarea, select, dialog *")) return;
    place.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return place;
}
