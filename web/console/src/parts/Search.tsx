import { useEffect, useRef, useState } from "react";
import { go, useQueryString, withQuery } from "../router";

/** Milliseconds after the last key before the address, and with it the list, is another. */
const PAUSE = 250;

/** A field whose text is in the address under *name*; `/` leads there. */
export function Search({ label, name = "q" }: { label: string; name?: string }) {
  const written = useQueryString().get(name) ?? "";
  const [text, setText] = useState(written);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (document.activeElement !== field.current) setText(written);
  }, [written]);
  useEffect(() => {
    if (text === written) return undefined;
    const timer = setTimeout(
      () => go(withQuery({ [name]: text || null, page: null }), { replace: true }),
      PAUSE,
    );
    return () => clearTimeout(timer);
  }, [text, written, name]);
  return (
    <input
      ref={field}
      type="search"
      className="search"
      aria-label={label}
      placeholder={label}
      data-search
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
