import { Link, withQuery } from "../router";

export interface Tab {
  /** The value in the address; null for the one that is there without. */
  value: string | null;
  word: string;
}

/** A choice of one among few, kept in the address under *name*. */
export function Tabs({
  label,
  name,
  tabs,
  chosen,
  reset = ["page"],
}: {
  label: string;
  name: string;
  tabs: Tab[];
  chosen: string | null;
  /** Choices that make no sense any more once this one is another. */
  reset?: string[];
}) {
  const none = Object.fromEntries(reset.map((other) => [other, null]));
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map(({ value, word }) => (
        <Link
          key={value}
          href={withQuery({ ...none, [name]: value })}
          aria-current={chosen === value ? "true" : undefined}
        >
          {word}
        </Link>
      ))}
    </nav>
  );
}
